const RATE = 1; // of a training step on the logits
const STEPS_A_SECOND = 6;
const MOST_STEPS = 500;

const SHOWN = [["alpha", "α, forward"], ["beta", "β, backward"], ["occupancy", "occupancy, α·β / (y·p)"]];

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "trellis", "The trellis of CTC");
  const { colours, scene } = ui;
  const names = model.get("_names");
  const [most, first] = [model.get("_most"), model.get("probabilities")];
  // A target as it is written; symbols of several characters have spaces between.
  const separator = names.slice(1).some((name) => name.length > 1) ? " " : "";
  const text = (tokens) => tokens.map((k) => names[k]).join(separator);

  let [now, key, token, steps, note] = [null, "", 1, 0, ""];
  function follow() {
    const wanted = JSON.stringify([model.get("probabilities"), model.get("target")]);
    if (wanted !== key) {
      key = wanted;
      now = trellis(model.get("probabilities"), model.get("target"));
    }
    return now;
  }
  const frame = () => Math.min(model.get("frame"), follow().T - 1);
  const place = () => Math.min(model.get("place"), follow().rows.length - 1);

  const bars = ui.canvas(ui.root, "trellis-bars course-draggable", 150,
    "The probability of each token in each frame, as bars. Drag a bar; or choose one with the arrow keys and change it with plus and minus.");
  const stage = ui.canvas(ui.root, "trellis-cells course-draggable", 300,
    "The trellis: the target with blanks as rows, frames as columns. Point at a cell, or choose one with the arrow keys.");
  for (const { node } of [bars, stage]) node.tabIndex = 0;

  // Both pictures have the frames at the same places.
  const isNarrow = () => stage.width < 480;
  const left = () => (isNarrow() ? 22 : 58) + 8 * Math.max(...names.map((name) => name.length));
  const column = () => (stage.width - left() - 4) / follow().T;
  const toX = (t) => left() + (t + 0.5) * column();
  const cellWidth = () => column() - clamp(0.3 * column(), 4, 34);
  const barHeight = () => clamp(190 / names.length, 32, 54);
  const pitch = () => clamp(330 / follow().rows.length, 27, 46);
  const [barsTop, cellsTop] = [38, 24];
  const cellHeight = () => pitch() - clamp(0.3 * pitch(), 7, 13);
  const toY = (s) => cellsTop + (s + 0.5) * pitch();

  function size(pen, pixels, weight = "") {
    pen.font = pen.font.replace(/^(bold )?[\d.]+px/, `${weight}${pixels}px`);
  }
  const numberSize = () => clamp(cellWidth() / 3.2, 8.5, 12.5);
  function ink(pen, alpha, colour = colours.ink, wide = 1) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.globalAlpha = alpha;
    pen.lineWidth = wide;
  }

  // Its tip is at (x, y), beside the bar.
  function triangle(pen, x, y, long) {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + long, y - 5);
    pen.lineTo(x + long, y + 5);
    pen.fill();
  }

  function drawBars() {
    const { y, wanted, p } = now;
    const high = barHeight();
    bars.height = barsTop + names.length * high + 6;
    const pen = bars.begin();
    const wide = cellWidth();
    ink(pen, 0.85);
    pen.fillText(bars.width < 660 ? "y: drag, or + and − keys; triangles: occupancy" :
      "y, probability of each token in each frame: drag a bar, or choose it and press + or −; triangles: occupancy of the token", 4, 12);
    names.forEach((name, k) => {
      const bottom = barsTop + (k + 1) * high - 5;
      const tall = high - 8;
      ink(pen, 1);
      pen.textAlign = "right";
      size(pen, 12, "bold ");
      pen.fillText(name, left() - 8, bottom - tall / 2 + 5);
      pen.textAlign = "center";
      y.forEach((values, t) => {
        const x = toX(t) - wide / 2;
        ink(pen, 0.5, colours.blue);
        pen.fillRect(x, bottom - tall * values[k], wide, tall * values[k]);
        ink(pen, 0.35);
        pen.strokeRect(x, bottom - tall, wide, tall);
        if (p) {
          ink(pen, 1, colours.red);
          const at = bottom - tall * wanted[t][k];
          for (const [from, way] of [[x, -1], [x + wide, 1]]) triangle(pen, from + way, at, way * clamp(0.15 * column(), 3, 8));
        }
        if (t === frame() && k === token) {
          ink(pen, 1, colours.ink, 2);
          pen.strokeRect(x - 3, bottom - tall - 3, wide + 6, tall + 6);
        }
        ink(pen, 1);
        size(pen, numberSize());
        pen.fillText(brief(values[k], wide), toX(t), bottom - tall / 2 + 4);
      });
    });
    size(pen, 12);
    ink(pen, 0.85);
    y.forEach((_, t) => pen.fillText(column() < 60 ? t : `t = ${t}`, toX(t), 30));
    pen.textAlign = "left";
  }

  const sources = (t, s) => (model.get("shown") === "beta" || t === 0 ? [] : before(now.rows, s).map((from) => [t - 1, from, t, s]));
  const goals = (t, s) => (model.get("shown") === "alpha" || t === now.T - 1 ? [] : after(now.rows, s).map((to) => [t, s, t + 1, to]));

  function drawCells() {
    const { rows, T, alive, path, sums, p } = now;
    const values = now[model.get("shown")];
    stage.height = cellsTop + rows.length * pitch() + 30;
    const pen = stage.begin();
    const [wide, high] = [cellWidth(), cellHeight()];
    const edge = ([t, s, later, to]) => line(pen, toX(t) + wide / 2, toY(s), toX(later) - wide / 2, toY(to));
    ink(pen, 0.85);
    pen.fillText(isNarrow() ? "shade: share of its column; thick: best path" :
      "rows: the target with blanks; shade: a cell's share of its column; dashed: cannot be part of a whole path; thick: best path", 4, 12);

    rows.forEach((_, s) => {
      for (let t = 0; t < T - 1; t += 1) for (const to of after(rows, s)) {
        const possible = alive[t][s] && alive[t + 1][to];
        ink(pen, possible ? 0.5 : 0.16);
        pen.setLineDash(possible ? [] : [2, 3]);
        edge([t, s, t + 1, to]);
      }
    });
    pen.setLineDash([]);
    ink(pen, 1, colours.red, 4);
    path?.slice(1).forEach((s, t) => edge([t, path[t], t + 1, s]));
    ink(pen, 1, colours.blue, 2.5);
    for (const one of [...sources(frame(), place()), ...goals(frame(), place())]) edge(one);

    pen.textAlign = "center";
    values.forEach((cells, t) => {
      const sum = total(cells) || 1;
      cells.forEach((value, s) => {
        const [x, y] = [toX(t) - wide / 2, toY(s) - high / 2];
        ink(pen, 0.55 * value / sum, colours.blue);
        pen.fillRect(x, y, wide, high);
        const best = path?.[t] === s;
        ink(pen, best ? 1 : alive[t][s] ? 0.5 : 0.3, best ? colours.red : colours.ink, best ? 3 : 1);
        pen.setLineDash(alive[t][s] ? [] : [2, 3]);
        pen.strokeRect(x, y, wide, high);
        pen.setLineDash([]);
        if (t === frame() && s === place()) {
          ink(pen, 1, colours.ink, 2);
          pen.strokeRect(x - 4, y - 4, wide + 8, high + 8);
        }
        ink(pen, value ? 1 : 0.7);
        size(pen, numberSize());
        pen.fillText(brief(value, wide), toX(t), toY(s) + 4);
      });
    });
    // The same p under every column.
    const bottom = toY(rows.length) - pitch() / 2 + 18;
    ink(pen, 0.9);
    sums.forEach((sum, t) => pen.fillText(brief(sum, column()), toX(t), bottom));
    size(pen, 12);
    pen.textAlign = "left";
    pen.fillText(isNarrow() ? "p" : "Σ αβ/y", 4, bottom);
    ink(pen, 0.3);
    line(pen, 4, bottom - 15, stage.width - 4, bottom - 15);
    pen.textAlign = "right";
    rows.forEach((k, s) => {
      ink(pen, 1);
      size(pen, 12, "bold ");
      pen.fillText(names[k], left() - 8, toY(s) + 4);
      if (isNarrow()) return;
      ink(pen, 0.75);
      size(pen, 12);
      pen.fillText(`s = ${s}`, 44, toY(s) + 4);
    });
    pen.textAlign = "left";
  }

  scene.draw = () => {
    if (!bars.width || !stage.width) return;
    follow();
    drawBars();
    drawCells();
    spell();
    report();
  };

  const equation = ui.row("trellis-equation");
  const lines = [0, 1, 2].map(() => equation.appendChild(make("div")));
  function spell() {
    spelled(now, names, model.get("shown"), frame(), place()).forEach((part, i) => {
      if (lines[i].textContent !== part) lines[i].textContent = part;
    });
  }

  const figures = ui.figures();
  function report() {
    const { T, rows, target, p, loss, ends, sums, path, best, count, needed, y } = now;
    const t = frame();
    ui.root.dataset.probe = JSON.stringify({ p, loss, best, path, count, sum: sums[t], steps, token, cell: now[model.get("shown")][t][place()] });
    const spelled = path ? path.map((s) => names[rows[s]]).join(" ") : "none";
    figures([
      ["p, last α added", ends.length > 1 ? `${ends.map(written).join(" + ")} = ${written(p)}` : written(p)],
      [`p, Σ αβ/y at the chosen frame`, `t = ${t}: ${written(sums[t])}`],
      ["loss, −ln p", written(loss)],
      ["best path", spelled],
      ["its probability", path ? `${written(best)}, ${(100 * best / p).toFixed(0)} % of p` : "0"],
      ["alignments", `${NUMBERS.format(count)} of ${NUMBERS.format(names.length ** T)} paths`],
      ["frames needed", `${needed} of ${T}`],
      ["training steps", `${steps}`],
    ]);
    const because = reason(now);
    if (problem.textContent !== (note || because)) problem.textContent = note || because;
    for (const button of [stepButton, playButton]) button.disabled = !p;
    ui.tell(`Target "${text(target)}", ${T} frames: p is ${written(p)}, the loss ${p ? written(loss) : "infinite"}. ${because} ` +
      `${NUMBERS.format(count)} alignments` + (path ? `, the best one ${spelled} with ${written(best)}. ` : ". ") +
      `Frame ${t}, place ${place()} (${names[rows[place()]]}): ${model.get("shown")} ${written(now[model.get("shown")][t][place()])}. ` +
      `Token ${names[token]} has the probability ${written(y[t][token])} there.`);
  }

  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "shown", label: "Cells show", options: SHOWN });
  const field = make("input", { type: "text", size: 9, "aria-label": "Target", "data-action": "target", spellcheck: "false", autocomplete: "off" });
  buttons.append(make("label", { class: "course-check" }, "Target", field));
  model.get("_targets").forEach((tokens, i) => ui.button(buttons, `target-${i}`, text(tokens) || "nothing", () => {
    retarget(tokens);
    showTarget();
  }));
  const learning = ui.row("course-buttons");
  const stepButton = ui.button(learning, "step", "One training step", () => {
    run(false);
    learn();
  });
  const playButton = ui.button(learning, "play", "", () => run(!ui.isPlaying()));
  ui.button(learning, "reset", "↺ Reset", () => {
    run(false);
    steps = 0;
    ui.set("probabilities", first);
    ui.redraw();
  });
  const problem = learning.appendChild(make("strong", { role: "alert" }));
  ui.root.append(ui.status);

  function retarget(tokens) {
    note = "";
    field.removeAttribute("aria-invalid");
    if (JSON.stringify(tokens) !== JSON.stringify(model.get("target"))) ui.set("target", tokens);
    ui.redraw();
  }
  ui.listen(field, "input", () => {
    const parts = separator ? field.value.split(/\s+/).filter(Boolean) : [...field.value.trim()];
    const foreign = parts.find((part) => names.indexOf(part) < 1);
    if (foreign === undefined && parts.length <= most) return retarget(parts.map((part) => names.indexOf(part)));
    note = foreign === undefined ? `At most ${most} symbols.` :
      `${foreign} is ${foreign === names[0] ? "the blank: it is put in by itself" : `not among ${names.slice(1).join(", ")}`}.`;
    field.setAttribute("aria-invalid", "true");
    ui.redraw();
  });
  const showTarget = () => { if (document.activeElement !== field) field.value = text(model.get("target")); };

  function learn() {
    const { y, wanted, p } = follow();
    if (!p) return;
    steps += 1;
    ui.set("probabilities", descend(y, wanted, RATE));
  }
  let due = 0;
  function run(wanted) {
    due = 0;
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Pause" : "▶ Train";
    playButton.setAttribute("aria-pressed", wanted);
  }
  scene.advance = (seconds) => {
    for (due += seconds * STEPS_A_SECOND; due >= 1; due -= 1) learn();
    if (!follow().p || steps >= MOST_STEPS) run(false);
  };
  scene.leave = () => run(false);

  function choose(t, s) {
    const { T, rows } = follow();
    const [later, lower] = [clamp(t, 0, T - 1), clamp(s, 0, rows.length - 1)];
    token = rows[lower];
    if (later !== model.get("frame")) ui.set("frame", later);
    if (lower !== model.get("place")) ui.set("place", lower);
    ui.redraw();
  }
  function chooseBar(t, k) {
    token = clamp(k, 0, names.length - 1);
    ui.set("frame", clamp(t, 0, follow().T - 1));
    ui.redraw();
  }
  function change(value) {
    run(false);
    const y = follow().y.map((values, t) => (t === frame() ? edited(values, token, clamp(value, 0, 1)) : values));
    ui.set("probabilities", y);
  }

  // The bar that was touched follows the pointer up and down, whatever lies beside it.
  let grabbed = false;
  ui.drag(bars.node, (x, y, event) => {
    const began = event.type === "pointerdown";
    if (began) grabbed = x >= left() && y >= barsTop;
    if (!grabbed) return;
    if (began) chooseBar(Math.floor((x - left()) / column()), Math.floor((y - barsTop) / barHeight()));
    const bottom = barsTop + (token + 1) * barHeight() - 5;
    change(Number(clamp((bottom - y) / (barHeight() - 8), 0, 1).toFixed(2)));
  });
  const point = (x, y) => choose(Math.floor((x - left()) / column()), Math.floor((y - cellsTop) / pitch()));
  ui.drag(stage.node, point);
  ui.listen(stage.node, "pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons) return;
    const box = stage.node.getBoundingClientRect();
    point(event.clientX - box.left, event.clientY - box.top);
  });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const amounts = { "+": 0.05, "=": 0.05, "-": -0.05, Home: -1, End: 1 };
  ui.listen(stage.node, "keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    choose(frame() + moves[event.key][0], place() + moves[event.key][1]);
  });
  ui.listen(bars.node, "keydown", (event) => {
    const [later, lower] = moves[event.key] ?? [0, 0];
    if (event.shiftKey && later === 0 && lower) change(follow().y[frame()][token] - 0.05 * lower);
    else if (event.key in moves) chooseBar(frame() + later, token + lower);
    else if (event.key in amounts) change(follow().y[frame()][token] + amounts[event.key]);
    else return;
    event.preventDefault();
  });

  ui.watch("target", showTarget);
  for (const trait of ["probabilities", "target", "shown", "frame", "place"]) ui.watch(trait, ui.redraw);
  run(false);
  showTarget();
  choose(model.get("frame"), model.get("place"));
  return ui.close;
}

export default { render };
