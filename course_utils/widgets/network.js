// A small network that learns, and what is drawn of it: contour lines, marks, losses.

const ACTIVATIONS = {
  linear: [(z) => z, () => 1, 1],
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (h) => h * (1 - h), 1],
  tanh: [Math.tanh, (h) => 1 - h * h, 1],
  relu: [(z) => (z > 0 ? z : 0), (h) => (h > 0 ? 1 : 0), 2],
};

// Weights as in Python: normal numbers from a congruential generator, biases 0.
function createNetwork(sizes, activation, seed) {
  const [f, slope, gain] = ACTIVATIONS[activation];
  let state = seed * 2654435761 % 4294967296;
  const uniform = () => {
    state = (1664525 * state + 1013904223) % 4294967296;
    return (state + 1) / 4294967296;
  };
  const layers = sizes.slice(1).map((out, index) => {
    const into = sizes[index];
    const scale = Math.sqrt(gain / into);
    const W = Float64Array.from({ length: out * into },
      () => scale * (Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())));
    const empty = () => [new Float64Array(out * into), new Float64Array(out)];
    return { into, out, W, b: new Float64Array(out), grad: empty(), m: empty(), v: empty() };
  });

  // H[l] holds what layer l gives, one row a point; H[0] are the inputs.
  function forward(X, points) {
    const H = [X];
    layers.forEach(({ into, out, W, b }, index) => {
      const [x, y, last] = [H[index], new Float64Array(points * out), index === layers.length - 1];
      for (let p = 0; p < points; p += 1) {
        for (let j = 0; j < out; j += 1) {
          let z = 0;
          for (let i = 0; i < into; i += 1) z += x[p * into + i] * W[j * into + i];
          z += b[j];
          y[p * out + j] = last ? z : f(z);
        }
      }
      H.push(y);
    });
    return H;
  }

  function backward(H, labels) {
    const points = labels.length;
    let delta = H.at(-1).map((z, p) => (1 / (1 + Math.exp(-z)) - labels[p]) / points);
    for (let index = layers.length - 1; index >= 0; index -= 1) {
      const { into, out, W, grad: [dW, db] } = layers[index];
      const x = H[index];
      dW.fill(0);
      db.fill(0);
      const before = index ? new Float64Array(points * into) : null;
      for (let p = 0; p < points; p += 1) {
        for (let j = 0; j < out; j += 1) {
          const d = delta[p * out + j];
          db[j] += d;
          for (let i = 0; i < into; i += 1) {
            dW[j * into + i] += d * x[p * into + i];
            if (before) before[p * into + i] += d * W[j * into + i];
          }
        }
      }
      if (before) delta = before.map((d, k) => d * slope(x[k]));
    }
  }

  let steps = 0;
  function step(rate, adam) {
    steps += 1;
    const [c, d] = [1 - 0.9 ** steps, 1 - 0.999 ** steps];
    for (const { W, b, grad, m, v } of layers) {
      [W, b].forEach((weights, part) => {
        for (let k = 0; k < weights.length; k += 1) {
          const g = grad[part][k];
          if (!adam) {
            weights[k] -= rate * g;
            continue;
          }
          m[part][k] = 0.9 * m[part][k] + 0.1 * g;
          v[part][k] = 0.999 * v[part][k] + 0.001 * g * g;
          weights[k] -= rate * (m[part][k] / c / (Math.sqrt(v[part][k] / d) + 1e-8));
        }
      });
    }
  }
  return { layers, forward, backward, step, steps: () => steps };
}

function crossEntropy(scores, labels) {
  let sum = 0;
  labels.forEach((y, p) => {
    const z = scores[p];
    sum += Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
  });
  return sum / labels.length;
}

function share(scores, labels) {
  return labels.reduce((sum, y, p) => sum + (scores[p] > 0 === y > 0), 0) / labels.length;
}

// Where the scores cross a level, in every square of the grid (marching squares).
function contour(pen, scores, level, [wide, high], place) {
  pen.beginPath();
  const at = (x, y) => scores[y * wide + x] - level;
  for (let y = 0; y + 1 < high; y += 1) {
    for (let x = 0; x + 1 < wide; x += 1) {
      const corners = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]];
      const crossings = [];
      corners.forEach(([x1, y1], k) => {
        const [x2, y2] = corners[(k + 1) % 4];
        const [a, b] = [at(x1, y1), at(x2, y2)];
        if (a > 0 === b > 0) return;
        const t = a / (a - b);
        crossings.push(place(x1 + t * (x2 - x1), y1 + t * (y2 - y1)));
      });
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        pen.moveTo(...crossings[k]);
        pen.lineTo(...crossings[k + 1]);
      }
    }
  }
  pen.stroke();
}

const channels = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));

function mark(pen, colours, label, x, y, filled) {
  const size = filled ? 4.5 : 3.5;
  pen.strokeStyle = pen.fillStyle = label ? colours.red : colours.blue;
  pen.lineWidth = 1.25;
  pen.beginPath();
  if (label) pen.rect(x - size, y - size, 2 * size, 2 * size);
  else pen.arc(x, y, size, 0, 2 * Math.PI);
  if (filled) pen.fill();
  else pen.stroke();
}

// Both losses over the steps; rows of `points` are step, training loss, held-out loss.
function drawLosses(chart, colours, points, steps) {
  const pen = chart.begin();
  const [left, right, top, bottom] = [36, chart.width - 8, 44, chart.height - 42];
  const last = Math.max(20, steps);
  const finite = points.flatMap(([, a, b]) => [a, b]).filter(Number.isFinite);
  const highest = clamp(Math.max(...finite, 0.8), 0.8, 6);
  const toX = (step) => left + step / last * (right - left);
  const toY = (value) => bottom - Math.min(value, highest) / highest * (bottom - top);
  pen.fillStyle = pen.strokeStyle = colours.ink;
  pen.globalAlpha = 0.4;
  line(pen, left, bottom, right, bottom);
  line(pen, left, bottom, left, top);
  pen.globalAlpha = 0.85;
  pen.textAlign = "center";
  for (const step of [0, Math.round(last / 2), last]) pen.fillText(step, clamp(toX(step), left, right - 10), bottom + 16);
  pen.fillText("step", (left + right) / 2, chart.height - 8);
  pen.textAlign = "right";
  for (const value of [0, highest / 2, highest]) pen.fillText(value.toFixed(1), left - 5, toY(value) + 4);
  pen.textAlign = "left";
  pen.fillText("loss", 2, 36);
  const lines = [["training speakers", colours.blue, [], 1], ["held-out speakers", colours.red, [7, 4], 2]];
  lines.forEach(([text, colour, dashes, column], row) => {
    pen.globalAlpha = 1;
    pen.strokeStyle = colour;
    pen.lineWidth = 2.25;
    pen.setLineDash(dashes);
    line(pen, left + 6, 10 + 15 * row, left + 34, 10 + 15 * row);
    pen.fillText(`${text}: ${Number.isFinite(points.at(-1)[column]) ? points.at(-1)[column].toFixed(3) : "overflow"}`, left + 40, 14 + 15 * row);
    pen.beginPath();
    for (const point of points) if (Number.isFinite(point[column])) pen.lineTo(toX(point[0]), toY(point[column]));
    pen.stroke();
  });
  pen.setLineDash([]);
}
