const STEP_S = 1.1;
const SHOWN_TOKENS = 8;
const WIDTHS = 8;
const MOST_FALLEN = 4; // with their numbers
const BAND = 19; // height of a token's row

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "beam", "The prefix-beam stepper");
  const { colours, scene } = ui;
  const examples = new Map(model.get("_examples"));
  const names = model.get("_names");
  const bigrams = model.get("_bigrams");
  const lm = bigrams.length ? bigrams : null;
  const separator = names.slice(1).some((name) => name.length > 1) ? " " : "";
  const spell = (tokens) => tokens.map((token) => names[token]).join(separator) || "(empty)";

  // The whole search is made when a setting changes, not when a frame is stepped.
  let plan = null;
  let pointed = null; // the cell under the pointer
  function makePlan() {
    const [example, width, alpha, beta] = ["example", "width", "alpha", "beta"].map((t) => model.get(t));
    const key = [example, width, alpha, beta].join();
    if (plan?.key === key) return;
    const rows = examples.get(example);
    const setting = { lm, width, alpha: lm ? alpha : 0, beta: lm ? beta : 0 };
    const columns = searchBeam(rows, setting);
    const peak = rows[0].map((_, token) => Math.max(...rows.map((y) => y[token])));
    // The blank, and the tokens that stand out most.
    const tokens = peak.map((_, token) => token).slice(1).sort((a, b) => peak[b] - peak[a]).slice(0, SHOWN_TOKENS - 1);
    pointed = null;
    plan = {
      key, rows, setting, columns, best: bestPath(rows), withLM: setting.alpha !== 0 || setting.beta !== 0,
      shown: [0, ...tokens.sort((a, b) => a - b)], left: peak.length - 1 - tokens.length,
      room: Math.max(...columns.map(({ kept, fallen }) => kept.length + Math.min(MOST_FALLEN, fallen.length))),
    };
  }
  const now = () => Math.min(model.get("frame"), plan.rows.length);
  // The last column: what is kept, then as much of what falls off as has room.
  function column() {
    const { kept, fallen } = plan.columns[now()];
    const rest = fallen.slice(0, MOST_FALLEN);
    return { kept, rest, more: fallen.slice(rest.length), rows: [...kept, ...rest] };
  }
  const chosen = () => Math.min(model.get("row"), column().rows.length - 1);

  const buttons = ui.row("course-buttons");
  const grid = ui.canvas(ui.root, "beam-grid", 200,
    "The probability of each token in each frame, the current frame marked. Drag, or press left and right, to choose a frame.");
  grid.node.classList.add("course-draggable");
  const legend = ui.row("beam-legend");
  const surface = ui.canvas(ui.root, "beam-stage", 400,
    "The beam before and after this frame, with an arrow for each way from a prefix to a prefix. " +
    "Left and right choose a frame, up and down a prefix.");
  for (const { node } of [grid, surface]) node.tabIndex = 0;
  const stage = createBeamStage(ui, surface, {
    names, spell, state: () => ({ plan, t: now(), last: column(), own: chosen() }),
  });

  // Frames across, tokens down; the frame that was read last is the widest one.
  function frameEdges() {
    const count = plan.rows.length;
    const left = 14 + 7 * Math.min(6, Math.max(...plan.shown.map((token) => names[token].length)));
    const room = Math.min(grid.width - left - 4, 84 * count);
    const wide = Math.max(room / count, 44);
    const narrow = Math.min(wide, (room - wide) / Math.max(1, count - 1));
    const edges = [left];
    for (let t = 1; t <= count; t += 1) edges.push(edges.at(-1) + (t === Math.max(1, now()) ? wide : narrow));
    return edges;
  }
  function drawGrid() {
    const { rows, shown, best, left } = plan;
    grid.height = 38 + BAND * shown.length + (left ? 16 : 0);
    const pen = grid.begin();
    const edges = frameEdges();
    pen.textAlign = "left";
    ink(pen, colours.ink, 0.85);
    const title = pointed ? `frame ${pointed.t + 1}, ${names[shown[pointed.k]]}: ${chance(rows[pointed.t][shown[pointed.k]], 2)}` :
      "probability of each token; framed: the best path";
    pen.fillText(title, 2, 12, grid.width - 4);
    shown.forEach((token, k) => pen.fillText(fit(pen, names[token], edges[0] - 8), 4, 48 + k * BAND));
    if (left) pen.fillText(`${left} less probable tokens are not drawn`, edges[0], grid.height - 3);
    pen.textAlign = "center";
    rows.forEach((y, t) => {
      const [from, wide, current, ahead] = [edges[t], edges[t + 1] - edges[t], t + 1 === now(), t + 1 > now()];
      const middle = from + wide / 2;
      ink(pen, colours.ink, current ? 1 : 0.8);
      font(pen, current ? "bold 12px" : "11px");
      if (wide > 17 || current || t % 5 === 4) pen.fillText(t + 1, middle, 28);
      shown.forEach((token, k) => {
        const [top, high] = [34 + k * BAND, BAND - 2];
        ink(pen, colours.blue, ahead ? 0.3 : 0.45);
        pen.fillRect(from + 1, top + high * (1 - y[token]), wide - 2, high * y[token]);
        ink(pen, colours.ink, 0.8);
        pen.lineWidth = 1;
        if (token === best.path[t]) pen.strokeRect(from + 2.5, top + 0.5, wide - 5, high - 1);
        ink(pen, colours.ink, ahead ? 0.8 : 1);
        if (wide >= 30) pen.fillText(chance(y[token], 0), middle, top + 13);
      });
      ink(pen, colours.ink, 1);
      pen.lineWidth = 2.5;
      if (current) pen.strokeRect(from, 32, wide, BAND * shown.length + 2);
    });
    font(pen, "12px");
  }

  scene.draw = () => {
    makePlan();
    if (!grid.width || !surface.width) return;
    drawGrid();
    stage.draw();
    report();
  };

  const note = (name, text) => make("span", {}, make("span", { class: name }), ...formula(text));
  legend.append(
    note("beam-blank", " p_b: paths that end in a blank"), note("beam-token", " p_nb: paths that end in the last token"),
    note("", "⊕ ways from two prefixes, added up"),
    ...(lm ? [note("beam-score", " score, beside the best one; LM: α ln P + β length")] : []),
  );
  const sums = ui.row("beam-sums");
  const sliders = ui.row("course-sliders");
  const result = ui.row("beam-result");

  // The two sums of the chosen prefix, in letters and in numbers.
  function spelled({ tokens, arrows, blank, label, score }) {
    const t = now();
    const inner = (prefix) => (prefix.length ? spell(prefix) : "empty");
    const name = inner(tokens);
    if (t === 0) return ["p_b[empty] = 1 and p_nb[empty] = 0 before the first frame"];
    const before = plan.columns[t - 1].kept;
    const term = ({ from, kind, token }) => {
      const parent = before[from];
      const part = kind === "repeat" ? "p_nb" : kind === "grow" && token === parent.tokens.at(-1) ? "p_b" : "(p_b + p_nb)";
      const exact = (p) => chance(p, 2);
      const number = part === "p_nb" ? exact(parent.label) : part === "p_b" ? exact(parent.blank) :
        `(${exact(parent.blank)} + ${exact(parent.label)})`;
      return [`${part}[${inner(parent.tokens)}] · y(${names[token]})`, `${number} · ${exact(plan.rows[t - 1][token])}`];
    };
    const sum = (sign, ways, value) => {
      if (!ways.length) return `${sign}′[${name}] = 0: no way of the beam leads there`;
      const [letters, numbers] = [0, 1].map((k) => ways.map((way) => term(way)[k]).join(" + "));
      return `${sign}′[${name}] = ${letters} = ${numbers} = ${chance(value, 2)}`;
    };
    const isBlank = ({ kind }) => kind === "blank";
    const lines = [sum("p_b", arrows.filter(isBlank), blank), sum("p_nb", arrows.filter((way) => !isBlank(way)), label)];
    const last = names[tokens.at(-1)];
    if (tokens.length > 1 && tokens.at(-1) === tokens.at(-2) && arrows.some(({ kind }) => kind === "grow"))
      lines.push(`Only p_b[${inner(tokens.slice(0, -1))}] grows by another ${last}: with no blank between, ${last} and ${last} are one.`);
    if (plan.withLM) {
      const { alpha, beta } = plan.setting;
      const p = log(Math.log(blank + label));
      lines.push(`score = ln(p_b′ + p_nb′) + α · ln P(${name}) + β · length = ${p} + ${alpha} · (${log(languageLog(lm, tokens))}) + ` +
        `${minus(String(beta))} · ${tokens.length} = ${log(score)}`);
    }
    return lines;
  }

  // After the last frame: the answers beside the best path, and whether the best labelling is found.
  function finale() {
    const { rows, setting, columns, best, withLM } = plan;
    const found = answers(rows, columns, setting);
    const all = everyLabelling(rows, setting);
    const same = (a, b) => a.tokens.join() === b.tokens.join();
    const value = ({ score }) => (withLM ? `score ${log(score)}` : `p = ${chance(Math.exp(score))}`);
    const others = Array.from({ length: WIDTHS }, (_, k) => {
      const other = { ...setting, width: k + 1 };
      return answers(rows, searchBeam(rows, other), other)[0];
    });
    const goal = all ? all[0] : [...others].sort(byScore)[0];
    const exact = exactly(rows, best.tokens);
    const greedy = withLM ? `, score ${log(Math.log(exact) + shareOf(setting, best.tokens, true))}` : "";
    const known = all ? `Of all ${all.length} possible labellings the best` : "There are too many labellings to try all; the best of any beam width";
    const verdict = same(found[0], goal) ? "✓ this search found it." : `✗ this search missed it: its answer is ${spell(found[0].tokens)}, ${value(found[0])}.`;
    const widths = table("beam-widths", [
      ["beam width", ...others.map((_, k) => `${k + 1}`)],
      ["answer", ...others.map((one) => `${same(one, goal) ? "✓" : "✗"} ${spell(one.tokens)}`)],
      [withLM ? "score" : "p", ...others.map((one) => (withLM ? log(one.score) : chance(one.exact)))],
    ]);
    for (const { cells } of widths.rows) cells[setting.width].classList.add("beam-own");
    return [
      table("", [
        ["answer", "p in the beam", "p of all its paths", ...(withLM ? ["LM with the end", "score"] : [])],
        ...found.slice(0, 5).map((one) => [spell(one.tokens), chance(one.found), chance(one.exact),
          ...(withLM ? [log(one.share), log(one.score)] : [])]),
      ]),
      paragraph(`Best path: ${best.path.map((token) => names[token]).join(" ")}, p = ${chance(best.probability)}. It collapses to ` +
        `${spell(best.tokens)}; all paths of ${spell(best.tokens)} together: p = ${chance(exact)}${greedy}.`),
      paragraph(`${known} is ${spell(goal.tokens)}, ${value(goal)}: ${verdict}`),
      widths,
    ];
  }

  let [written, ended] = ["", ""];
  function report() {
    const [t, count] = [now(), plan.rows.length];
    const { rows, kept } = column();
    const entry = rows[chosen()];
    range.max = count;
    range.value = t;
    range.style.setProperty("--share", `${100 * t / count}%`);
    const lines = spelled(entry);
    if (lines.join() !== written) {
      written = lines.join();
      sums.replaceChildren(...lines.map(paragraph));
    }
    const key = t === count ? plan.key : "";
    if (key !== ended || !result.childElementCount) {
      ended = key;
      const hint = "After the last frame: the answers, the best path, and the answers of other beam widths.";
      result.replaceChildren(...(key ? finale() : [paragraph(hint)]));
    }
    ui.root.dataset.probe = JSON.stringify({
      frame: t, row: chosen(), kept: kept.map(({ tokens, blank, label, share, score }) => ({ tokens, blank, label, share, score })),
    });
    const total = (one) => `${spell(one.tokens)} ${chance(mass(one))}${plan.withLM ? `, score ${log(one.score)}` : ""}`;
    ui.tell(`${t ? `After frame ${t} of ${count}` : "Before the first frame"} the beam holds ${kept.map(total).join("; ")}. Chosen: ` +
      `${spell(entry.tokens)}${kept.includes(entry) ? "" : ", which falls off"}; ${chance(entry.blank)} end in a blank, ${chance(entry.label)} in the last token.`);
  }

  const go = (t) => {
    makePlan();
    ui.set("row", 0);
    ui.set("frame", clamp(t, 0, plan.rows.length));
  };
  const move = (t) => { play(false); go(t); };
  if (examples.size > 1)
    ui.select(buttons, { trait: "example", label: "Example", options: [...examples.keys()].map((name) => [name, name]) });
  ui.button(buttons, "first", "|◂ Start", () => move(0));
  ui.button(buttons, "back", "◂ Back", () => move(now() - 1));
  ui.button(buttons, "step", "Step ▸", () => move(now() + 1));
  const playButton = ui.button(buttons, "play", "", () => {
    if (!ui.isPlaying() && now() === plan.rows.length) go(0);
    play(!ui.isPlaying());
  });
  ui.button(buttons, "last", "End ▸|", () => move(plan.rows.length));
  let due = 0;
  function play(wanted) {
    due = 0;
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Stop" : "▶ Play";
    playButton.setAttribute("aria-pressed", wanted);
  }
  scene.advance = (seconds) => {
    due += seconds;
    if (due < STEP_S) return;
    due -= STEP_S;
    go(now() + 1);
    if (now() === plan.rows.length) play(false);
  };
  scene.leave = () => play(false);

  const whole = (v) => `${Math.min(v, plan?.rows.length ?? v)}`;
  const range = ui.slider(sliders, { trait: "frame", label: "Frames read", step: 1, text: whole });
  ui.slider(sliders, { trait: "width", label: "Beam width", step: 1, text: String });
  if (lm) {
    ui.slider(sliders, { trait: "alpha", label: "Language model's weight α", step: 0.1, text: (v) => v.toFixed(1) });
    ui.slider(sliders, { trait: "beta", label: "Bonus a token β", step: 0.1, text: log });
  }
  ui.root.append(ui.status);

  // Which cell lies there, from the edges of the frames.
  const cellAt = (x, y) => ({
    t: clamp(frameEdges().findLastIndex((edge) => edge <= x), 0, plan.rows.length - 1),
    k: clamp(Math.floor((y - 34) / BAND), 0, plan.shown.length - 1),
  });
  ui.drag(grid.node, (x, y) => move(cellAt(x, y).t + 1));
  ui.listen(grid.node, "pointermove", ({ offsetX, offsetY }) => {
    pointed = cellAt(offsetX, offsetY);
    ui.redraw();
  });
  ui.listen(grid.node, "pointerleave", () => {
    pointed = null;
    ui.redraw();
  });
  ui.listen(surface.node, "click", ({ offsetX, offsetY }) => {
    const row = stage.rowAt(offsetX, offsetY);
    if (row !== null) ui.set("row", row);
  });
  const moves = {
    ArrowLeft: () => move(now() - 1), ArrowRight: () => move(now() + 1), Home: () => move(0), End: () => move(plan.rows.length),
    ArrowUp: () => ui.set("row", Math.max(0, chosen() - 1)), ArrowDown: () => ui.set("row", Math.min(column().rows.length - 1, chosen() + 1)),
  };
  for (const { node } of [grid, surface]) ui.listen(node, "keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  });

  for (const trait of ["example", "width", "alpha", "beta", "frame", "row"]) ui.watch(trait, ui.redraw);
  play(false);
  return ui.close;
}

export default { render };
