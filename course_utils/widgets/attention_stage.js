// The picture of the attention player: spectrogram, one row a token, the chosen row as a curve.

const PLACES = { top: 22, picture: 96, gap: 26, highest: 18, tallest: 330, curve: 58 };

// A mel picture from bytes, one a band of a frame.
function melImage(values, frames, bands) {
  const image = make("canvas", { width: frames, height: bands });
  const pen = image.getContext("2d");
  const pixels = pen.createImageData(frames, bands);
  values.forEach((value, i) => {
    const [frame, band] = [Math.floor(i / bands), i % bands];
    pixels.data.set([...COLOURS[value], 255], 4 * ((bands - 1 - band) * frames + frame));
  });
  pen.putImageData(pixels, 0, 0);
  return image;
}

// What Python answered: tokens with their weights, marks of what went wrong, the picture.
function readAnswer(model) {
  const copy = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const answer = model.get("_answer");
  const [frames, bands] = answer.picture;
  const numbers = new Uint16Array(copy(model.get("_weights")));
  const places = answer.places ?? 0;
  const tokens = answer.tokens.map(([name, p, wrong, peak, from, to, best], u) => {
    const weights = Array.from(numbers.subarray(u * places, (u + 1) * places), (v) => v / 65535);
    return { name, p, wrong, peak, from, to, best, weights, highest: Math.max(...weights, 1e-9), loop: false };
  });
  for (const [first, last] of answer.loops ?? [])
    for (let u = first; u <= last; u += 1) if (tokens[u]) tokens[u].loop = true;
  const image = melImage(new Uint8Array(copy(model.get("_levels"))), frames, bands);
  return { ...answer, tokens, image, loops: answer.loops ?? [], skips: answer.skips ?? [] };
}

// How strongly each token is read at a moment, as a share of its peak, and which of them is: the one
// with the largest weight there, or, where none has any, the one whose peak is nearest.
function readAt({ tokens, frame_s, places }, t) {
  const place = clamp(Math.floor(t / frame_s), 0, places - 1);
  const here = tokens.map(({ weights }) => weights[place]);
  const most = Math.max(...here);
  const away = tokens.map(({ peak }) => Math.abs(peak - t));
  const lit = most >= 0.1 ? here.indexOf(most) : away.indexOf(Math.min(...away));
  return { lit, glow: here.map((w, u) => (w >= 0.05 ? w / tokens[u].highest : 0)) };
}

// All weights as a picture, a pixel each; what is read again is red.
function rows({ tokens, places }, colours) {
  const image = make("canvas", { width: places, height: tokens.length });
  const pen = image.getContext("2d");
  tokens.forEach(({ weights, highest, loop }, u) => {
    pen.fillStyle = loop ? colours.red : colours.ink;
    weights.forEach((w, j) => {
      if (w < 0.02 * highest) return;
      pen.globalAlpha = w / highest * (0.35 + 0.65 * highest);
      pen.fillRect(j, u, 1, 1);
    });
  });
  return image;
}

function createStage(ui, parent, label) {
  const { colours } = ui;
  const stage = ui.canvas(parent, "player-canvas", 420, label);
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const { top, picture, gap, highest, tallest, curve: curveHeight } = PLACES;
  let left = 66;
  const rowsTop = top + picture + gap;
  const right = () => stage.width - 22;
  let layout = { rowHeight: 1, count: 0, seconds: 1 };

  const toX = (t) => left + t / layout.seconds * (right() - left);
  const toTime = (x) => clamp((x - left) / (right() - left), 0, 1) * layout.seconds;
  const rowAt = (y) => {
    const u = Math.floor((y - rowsTop) / layout.rowHeight);
    return y >= rowsTop - 2 && u < layout.count ? Math.max(0, u) : null;
  };

  // `at` is the cursor in seconds, `playing` whether it moves with the sound, `stale` whether the picture
  // is of another state than the controls.
  stage.draw = ({ answer, seconds, token, at, playing, stale }) => {
    const { tokens, frame_s, image, skips, loops } = answer;
    const count = tokens.length;
    const rowHeight = Math.min(highest, tallest / Math.max(1, count));
    layout = { rowHeight, count, seconds };
    left = answer.words ? 92 : 66;
    if (count && answer.matrix?.ink !== colours.ink) answer.matrix = { ink: colours.ink, image: rows(answer, colours) };
    const rowsBottom = rowsTop + Math.max(40, count * rowHeight);
    const curveTop = rowsBottom + gap;
    const curveBottom = curveTop + curveHeight;
    stage.height = curveBottom + 38;
    const pen = stage.begin();
    if (right() < left + 60) return;
    const ink = (alpha, colour = colours.ink) => {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.globalAlpha = alpha * (stale ? 0.45 : 1);
      pen.lineWidth = 1;
    };
    const font = (size, bold = false) => { pen.font = pen.font.replace(/^(bold )?[\d.]+px/, `${bold ? "bold " : ""}${size}px`); };
    const step_px = (right() - left) * frame_s / seconds;
    const column = (j) => [toX(Math.min(seconds, j * frame_s)), toX(Math.min(seconds, (j + 1) * frame_s))];

    ink(0.75);
    pen.textAlign = "left";
    pen.fillText("the sound, mel bands", left, top - 8);
    ink(1);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, left, top, right() - left, picture);
    for (const [from, to] of skips) drawSkip(toX(from), Math.min(right(), toX(to)));
    if (count) {
      ink(0.75);
      pen.textAlign = "left";
      pen.fillText("attention, one row a token", left, rowsTop - 8);
      const { lit, glow } = at === null ? { lit: null, glow: [] } : readAt(answer, at);
      tokens.forEach((one, u) => drawRow(one, u, lit, glow[u] ?? 0));
      for (const [first, last, , from, , stuck] of loops) {
        ink(1, colours.red);
        pen.textAlign = "left";
        font(15, true);
        pen.fillText(stuck ? "‖" : "↺", right() + 4, rowsTop + ((first + last + 1) / 2) * rowHeight + 5);
        font(12);
        line(pen, right() + 2, rowsTop + first * rowHeight, right() + 2, rowsTop + (last + 1) * rowHeight);
        pen.setLineDash([2, 3]);
        line(pen, toX(from), rowsTop, toX(from), rowsTop + first * rowHeight);
        pen.setLineDash([]);
      }
      ink(1, colours.red);
      pen.lineWidth = 2;
      pen.strokeRect(left, rowsTop + token * rowHeight - 1, right() - left, Math.max(4, rowHeight + 1));
      drawCurve(tokens[token]);
    }
    drawAxis();
    if (at !== null) drawCursor();

    function drawSkip(x1, x2) {
      pen.save();
      pen.beginPath();
      pen.rect(x1, top, x2 - x1, picture);
      pen.clip();
      pen.strokeStyle = "#fff";
      pen.globalAlpha = 0.7;
      pen.lineWidth = 1.5;
      for (let x = x1 - picture; x < x2; x += 8) line(pen, x, top + picture, x + picture, top);
      pen.restore();
      ink(1, colours.red);
      pen.lineWidth = 3;
      line(pen, x1, top + picture + 3, x2, top + picture + 3);
      if (x2 - x1 < 58) return;
      pen.textAlign = "center";
      font(12, true);
      pen.lineWidth = 4;
      pen.strokeStyle = "#000";
      pen.fillStyle = "#fff";
      pen.strokeText("skipped", (x1 + x2) / 2, top + 16);
      pen.fillText("skipped", (x1 + x2) / 2, top + 16);
      font(12);
    }
    function drawRow({ name, wrong }, u, lit, glow) {
      const y = rowsTop + u * rowHeight;
      if (glow > 0.02) {
        ink(0.3 * glow, colours.blue);
        pen.fillRect(left, y, right() - left, Math.max(1, rowHeight - (rowHeight > 4 ? 1 : 0)));
      }
      ink(1);
      // The last place may reach beyond the sound.
      const seen = Math.min(answer.places, (right() - left) / step_px);
      pen.drawImage(answer.matrix.image, 0, u, seen, 1, left, y, seen * step_px, Math.max(1, rowHeight - (rowHeight > 4 ? 1 : 0)));
      const strong = u === token || u === lit;
      // Where rows are too low for text, only the chosen and the lit one have their names.
      if (rowHeight < 9 && !strong) return;
      ink(strong ? 1 : 0.75);
      pen.textAlign = "right";
      font(strong ? 12 : Math.min(12, rowHeight), strong);
      pen.fillText(`${u === lit ? "▸ " : ""}${wrong ? "✗ " : ""}${name}`, left - 6, y + rowHeight / 2 + 4);
      font(12);
    }
    function drawCurve({ name, weights, highest: most, peak, p }) {
      ink(0.75);
      pen.textAlign = "left";
      pen.fillText(`weights of token ${token + 1}, ${name}, p = ${p.toFixed(2)}`, left, curveTop - 8);
      pen.textAlign = "right";
      pen.fillText(most.toFixed(2), left - 6, curveTop + 8);
      pen.fillText("0", left - 6, curveBottom + 3);
      ink(0.4);
      line(pen, left, curveBottom, right(), curveBottom);
      pen.beginPath();
      pen.moveTo(left, curveBottom);
      weights.forEach((w, j) => {
        const [from, to] = column(j);
        const y = curveBottom - w / most * (curveHeight - 2);
        pen.lineTo(from, y);
        pen.lineTo(to, y);
      });
      pen.lineTo(column(weights.length - 1)[1], curveBottom);
      ink(0.25, colours.blue);
      pen.fill();
      ink(1, colours.blue);
      pen.lineWidth = 1.5;
      pen.stroke();
      ink(0.8, colours.red);
      pen.setLineDash([4, 4]);
      pen.lineWidth = 1.25;
      line(pen, toX(peak), top, toX(peak), rowsTop + token * rowHeight);
      line(pen, toX(peak), rowsTop + (token + 1) * rowHeight, toX(peak), curveBottom);
      pen.setLineDash([]);
    }
    function drawAxis() {
      ink(0.75);
      pen.textAlign = "center";
      const step = [0.1, 0.2, 0.5, 1, 2, 5].find((s) => seconds / s * 46 <= right() - left) ?? 10;
      for (let i = 0; i * step <= seconds + 1e-9; i += 1) {
        const x = toX(i * step);
        line(pen, x, curveBottom + 3, x, curveBottom + 7);
        pen.fillText(`${Number((i * step).toFixed(1))}`, x, curveBottom + 19);
      }
      pen.fillText("time in s", (left + right()) / 2, curveBottom + 34);
    }
    function drawCursor() {
      const x = toX(Math.min(at, seconds));
      for (const [colour, width, from, to] of [
        ["#000", 4, top, top + picture], ["#fff", 2, top, top + picture], [colours.red, 2, top + picture, curveBottom],
      ]) {
        ink(colour === "#000" ? 0.5 : playing ? 1 : 0.8, colour);
        pen.lineWidth = width;
        line(pen, x, from, x, to);
      }
    }
  };
  return Object.assign(stage, { toTime, rowAt });
}
