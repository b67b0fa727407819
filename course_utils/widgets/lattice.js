// CTC on probabilities y[t][k], not on their logarithms: with twelve frames nothing underflows.
// Rows of the trellis are the target with blanks (0) around every label.
const total = (values) => values.reduce((a, b) => a + b, 0);

const extended = (target) => [0, ...target.flatMap((label) => [label, 0])];
// A path may leave a blank out, except between two equal labels.
const maySkip = (rows, s) => s >= 2 && rows[s] !== 0 && rows[s] !== rows[s - 2];
const before = (rows, s) => [s, s - 1, s - 2].filter((from, jump) => from >= 0 && (jump < 2 || maySkip(rows, s)));
const after = (rows, s) => [s, s + 1, s + 2].filter((to, jump) => to < rows.length && (jump < 2 || maySkip(rows, to)));

// Each label takes a frame, and two equal neighbours a blank between them.
const framesNeeded = (target) => target.length + target.filter((label, i) => i && label === target[i - 1]).length;

function forward(y, rows) {
  const alpha = [];
  y.forEach((frame, t) => alpha.push(rows.map((k, s) =>
    (t ? total(before(rows, s).map((from) => alpha[t - 1][from])) : Number(s < 2)) * frame[k])));
  return alpha;
}

// As Graves et al. (2006) define it: y of frame t is in beta of frame t, as it is in alpha.
function backward(y, rows) {
  const beta = [];
  for (let t = y.length - 1; t >= 0; t -= 1) {
    beta[t] = rows.map((k, s) => y[t][k] * (t < y.length - 1 ?
      total(after(rows, s).map((to) => beta[t + 1][to])) : Number(s >= rows.length - 2)));
  }
  return beta;
}

// The most probable path as rows, one a frame; null where every path has probability 0.
function bestPath(y, rows) {
  const best = [];
  const from = [];
  y.forEach((frame, t) => {
    best.push([]);
    from.push([]);
    rows.forEach((k, s) => {
      const ways = before(rows, s);
      const chances = ways.map((r) => (t ? best[t - 1][r] : Number(s < 2)));
      const most = Math.max(...chances);
      from[t].push(ways[chances.indexOf(most)]);
      best[t].push(most * frame[k]);
    });
  });
  const ends = best.at(-1).slice(-2);
  const p = Math.max(...ends);
  if (p === 0) return { p, path: null };
  const path = [rows.length - ends.length + ends.indexOf(p)];
  for (let t = y.length - 1; t > 0; t -= 1) path.unshift(from[t][path[0]]);
  return { p, path };
}

function trellis(y, target) {
  const rows = extended(target);
  const [alpha, beta] = [forward(y, rows), backward(y, rows)];
  const ends = alpha.at(-1).slice(-2);
  const p = total(ends);
  // Alpha and beta both hold y of their frame: one of the two goes.
  const through = alpha.map((row, t) => row.map((a, s) => (a ? a * beta[t][s] / y[t][rows[s]] : 0)));
  const occupancy = through.map((row) => row.map((v) => (p ? v / p : 0)));
  const wanted = y.map((frame, t) => frame.map((_, k) => total(occupancy[t].filter((_, s) => rows[s] === k))));
  // With every y at 1, a sum over paths counts them.
  const ones = y.map((frame) => frame.map(() => 1));
  const [reached, left] = [forward(ones, rows), backward(ones, rows)];
  const best = bestPath(y, rows);
  return {
    y, target, T: y.length, rows, alpha, beta, occupancy, wanted, ends, p, loss: p ? -Math.log(p) : Infinity, best: best.p, path: best.path,
    sums: through.map(total), count: total(reached.at(-1).slice(-2)), needed: framesNeeded(target),
    alive: reached.map((row, t) => row.map((v, s) => v * left[t][s] > 0)),
  };
}

// One step of gradient descent on the logits u: y = softmax(u), and the gradient is y - wanted.
function descend(y, wanted, rate) {
  return y.map((frame, t) => {
    const moved = frame.map((v, k) => v * Math.exp(-rate * (v - wanted[t][k])));
    return moved.map((v) => v / total(moved));
  });
}

// One probability of a frame becomes `value`; the others keep their proportions and share the rest.
function edited(frame, token, value) {
  const rest = total(frame.filter((_, k) => k !== token));
  return frame.map((v, k) => {
    if (k === token) return value;
    return rest > 1e-12 ? v / rest * (1 - value) : (1 - value) / (frame.length - 1);
  });
}

// Three digits, and powers of ten where a number is small: for sums.
function written(v) {
  if (!Number.isFinite(v)) return "∞";
  if (v === 0 || v >= 0.001) return Number(v.toPrecision(3)).toString();
  return v.toExponential(2).replace("-", "−");
}

// As many digits as fit into a cell of this width.
function brief(v, wide) {
  if (v === 0) return "0";
  if (v > 0.9995) return "1";
  const power = (digits) => v.toExponential(digits).replace("-", "−");
  if (wide < 32) {
    if (v < 0.00995) return wide < 22 ? "≈0" : power(0);
    return v.toFixed(2).replace(/^0/, "");
  }
  if (wide < 48) return v < 0.00995 ? power(0) : v.toFixed(wide < 42 ? 2 : 3);
  return v < 0.00095 ? power(1) : v.toFixed(v < 0.0995 ? 4 : 3);
}

const subscript = (n) => String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).replace("-", "₋");

// The sum that a cell was computed from: in letters, in numbers, and what there is to say about it.
function spelled({ rows, alpha, beta, occupancy, y, T, p }, names, shown, t, s) {
  const k = rows[s];
  const own = `y${subscript(t)}(${names[k]})`;
  const value = (letter, at, r) => `${letter}${subscript(at)}(${r})`;
  if (shown === "occupancy") return [
    `occupancy${subscript(t)}(${s}) = ${value("α", t, s)} · ${value("β", t, s)} / (${own} · p)`,
    `= ${written(alpha[t][s])} · ${written(beta[t][s])} / (${written(y[t][k])} · ${written(p)}) = ` +
      (p && y[t][k] ? written(occupancy[t][s]) : "0 / 0, which counts as 0"),
    "The share of p whose paths go through this cell. α and β both hold y of this frame, as in Graves et al. (2006), so one y goes.",
  ];
  const back = shown === "beta";
  const [letter, grid, from] = back ? ["β", beta, t + 1] : ["α", alpha, t - 1];
  const convention = back ? " y of this frame is in β, as in Graves et al. (2006)." : "";
  if (from < 0 || from >= T) {
    const open = back ? s >= rows.length - 2 : s < 2;
    return [
      `${value(letter, t, s)} = ${open ? own : 0}`, open ? `= ${written(y[t][k])}` : "",
      (back ? "Paths end in one of the last two rows." : "Paths begin in one of the first two rows.") + convention,
    ];
  }
  const cells = (back ? after : before)(rows, s);
  const other = back ? s + 2 : s - 2;
  let why = "";
  if (cells.length === 3) why = "Three terms: stay, next, and the skip over the blank.";
  else if (other >= 0 && other < rows.length) {
    why = k === 0 ? "Two terms: a skip from blank to blank would leave out a label." :
      "Two terms: the labels are equal, so the blank between them cannot be skipped.";
  }
  return [
    `${value(letter, t, s)} = (${cells.map((r) => value(letter, from, r)).join(" + ")}) · ${own}`,
    `= (${cells.map((r) => written(grid[from][r])).join(" + ")}) · ${written(y[t][k])} = ${written(grid[t][s])}`,
    why + convention,
  ];
}

// Why the target has the probability 0, if it has.
function reason({ T, target, needed, p }) {
  if (p) return "";
  if (T >= needed) return "p = 0: every path meets a probability of 0.";
  const blanks = needed - target.length;
  return `No path fits: ${target.length} labels${blanks ? ` and ${blanks} blank${blanks > 1 ? "s" : ""} between equal ones` : ""} ` +
    `need ${needed} frames, there are ${T}.`;
}
