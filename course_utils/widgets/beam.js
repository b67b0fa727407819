// Prefix beam search over CTC's probabilities, with all that a picture of it needs.

// One frame. Each prefix of the beam stays by a blank, stays by its last token again, or grows by a
// token. What leads to the same prefix is added up, apart for paths that end in the blank and others.
function extend(beam, y) {
  const found = new Map();
  const ways = beam.map((prefix, from) => {
    const reach = (to, kind, token, mass) => {
      const value = mass * y[token];
      if (!(value > 0)) return;
      const key = to.join();
      if (!found.has(key)) found.set(key, { tokens: to, blank: 0, label: 0, arrows: [] });
      const child = found.get(key);
      child[kind === "blank" ? "blank" : "label"] += value;
      child.arrows.push({ from, kind, token, mass, value });
    };
    return [prefix, reach];
  });
  // Those that stay come first, then the new ones from the most probable on: equal scores keep this order.
  for (const [{ tokens, blank, label }, reach] of ways) {
    reach(tokens, "blank", 0, blank + label);
    if (tokens.length) reach(tokens, "repeat", tokens.at(-1), label);
  }
  const order = y.map((_, token) => token).slice(1).sort((a, b) => y[b] - y[a] || b - a);
  // Without a blank between, a second equal token is no new one.
  for (const [{ tokens, blank, label }, reach] of ways)
    for (const c of order) reach([...tokens, c], "grow", c, c === tokens.at(-1) ? blank : blank + label);
  return [...found.values()];
}

// ln of the language model's probability of a prefix; with `end`, of the end behind it as well.
function languageLog(lm, tokens, end = false) {
  let sum = tokens.reduce((all, token, k) => all + lm[k ? tokens[k - 1] : 0][token], 0);
  if (end) sum += lm[tokens.at(-1) ?? 0][0];
  return sum;
}

// What is added to ln p: alpha times the language model's ln, and beta a token.
function shareOf({ lm, alpha, beta }, tokens, end = false) {
  return (lm ? alpha * languageLog(lm, tokens, end) : 0) + beta * tokens.length;
}

function scored(entry, setting, end) {
  const share = shareOf(setting, entry.tokens, end);
  return { ...entry, share, score: Math.log(entry.blank + entry.label) + share };
}
const byScore = (a, b) => b.score - a.score;

// The beam before the first frame and after each one; `kept` and `fallen` from the best on.
function searchBeam(rows, setting) {
  const first = scored({ tokens: [], blank: 1, label: 0, arrows: [] }, setting);
  const columns = [{ kept: [first], fallen: [] }];
  for (const y of rows) {
    const all = extend(columns.at(-1).kept, y).map((entry) => scored(entry, setting)).sort(byScore);
    columns.push({ kept: all.slice(0, setting.width), fallen: all.slice(setting.width) });
  }
  return columns;
}

// Exact probability of a labelling: over blanks and tokens in turn, as in CTC's forward pass.
function exactly(rows, tokens) {
  const states = [0, ...tokens.flatMap((token) => [token, 0])];
  let alpha = states.map((_, s) => (s === 0 ? 1 : 0)); // before the first frame
  rows.forEach((y) => {
    alpha = states.map((token, s) => {
      let sum = alpha[s] + (s > 0 ? alpha[s - 1] : 0);
      if (s > 1 && token && token !== states[s - 2]) sum += alpha[s - 2];
      return sum * y[token];
    });
  });
  return alpha.at(-1) + (states.length > 1 ? alpha.at(-2) : 0);
}

// The answers: the prefixes of the last beam, each with its exact probability and the model's end.
function answers(rows, columns, setting) {
  return columns.at(-1).kept.map((entry) => {
    const [exact, share] = [exactly(rows, entry.tokens), shareOf(setting, entry.tokens, true)];
    return { ...entry, found: entry.blank + entry.label, exact, share, score: Math.log(exact) + share };
  }).sort(byScore);
}

const MOST_LABELLINGS = 12_000;
// Every labelling with its exact probability, best first; null where there are too many.
function everyLabelling(rows, setting) {
  let all = [{ tokens: [], blank: 1, label: 0 }];
  for (const y of rows) {
    if (all.length * y.length > MOST_LABELLINGS) return null;
    all = extend(all, y);
  }
  return all.map((entry) => scored(entry, setting, true)).sort(byScore);
}

// The most probable token of each frame, and what is left when it is collapsed.
function bestPath(rows) {
  const path = rows.map((y) => y.indexOf(Math.max(...y)));
  return {
    path, tokens: path.filter((token, t) => token && token !== path[t - 1]),
    probability: path.reduce((product, token, t) => product * rows[t][token], 1),
  };
}
