const LETTERS = "abcdefgh";
const SECONDS_A_STEP = 0.9;

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "ring", "Adding up in a ring");
  const { colours, scene } = ui;
  const count = () => model.get("processes");
  const steps = () => 2 * (count() - 1);
  const done = () => Math.min(model.get("step"), steps());

  // Which piece each process sends to its right neighbour in a step.
  function sends(step) {
    const n = count();
    const first = step < n - 1;
    return Array.from({ length: n }, (_, rank) => {
      const piece = first ? rank - step : rank + 1 - (step - n + 1);
      return (piece % n + n) % n;
    });
  }

  // How many processes' shares each piece holds: table[process][piece].
  function shares(until) {
    const n = count();
    const table = Array.from({ length: n }, () => new Array(n).fill(1));
    for (let step = 0; step < until; step += 1) {
      const sent = sends(step).map((piece, rank) => [rank, piece, table[rank][piece]]);
      for (const [rank, piece, held] of sent) {
        const right = (rank + 1) % n;
        table[right][piece] = step < n - 1 ? table[right][piece] + held : held;
      }
    }
    return table;
  }

  const charts = ui.row("winding-charts");
  const ring = ui.canvas(charts, "winding-plane", 300,
    "Processes in a ring; arrows with the letter of the piece that each sends next.");
  const grid = ui.canvas(charts, "winding-trace", 300,
    "A row for each process, a column for each piece of the gradient: how many processes' shares it holds. Left and right arrow go a step back or forward.");
  grid.node.tabIndex = 0;

  let moved = 0; // share of the next step that the animation has shown
  function drawRing() {
    if (!ring.width) return;
    const pen = ring.begin();
    const n = count();
    const [x0, y0] = [ring.width / 2, ring.height / 2];
    const radius = Math.min(x0, y0) - 34;
    const place = (rank, r = radius) => {
      const angle = Math.PI / 2 - 2 * Math.PI * rank / n;
      return [x0 + r * Math.cos(angle), y0 - r * Math.sin(angle)];
    };
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const next = done() < steps() ? sends(done()) : null;
    for (let rank = 0; rank < n; rank += 1) {
      const [begin, end] = [rank + 0.28 * n / 8 + 0.12, rank + 1 - 0.28 * n / 8 - 0.12];
      pen.strokeStyle = next ? colours.red : colours.ink;
      pen.globalAlpha = next ? 1 : 0.3;
      pen.lineWidth = 2;
      pen.beginPath();
      for (let i = 0; i <= 20; i += 1) pen.lineTo(...place(begin + (end - begin) * i / 20));
      pen.stroke();
      // The head of the arrow, along the circle.
      const [tip, back] = [place(end), place(end - 0.03 * n)];
      const angle = Math.atan2(tip[1] - back[1], tip[0] - back[0]);
      pen.fillStyle = pen.strokeStyle;
      pen.beginPath();
      pen.moveTo(...tip);
      for (const turn of [2.6, -2.6]) pen.lineTo(tip[0] + 11 * Math.cos(angle + turn), tip[1] + 11 * Math.sin(angle + turn));
      pen.fill();
      if (next) {
        const [x, y] = place(begin + (end - begin) * (moved || 0.5), radius + 17);
        pen.font = pen.font.replace("12px", "15px");
        pen.fillText(LETTERS[next[rank]], x, y);
        pen.font = pen.font.replace("15px", "12px");
      }
      pen.globalAlpha = 1;
    }
    for (let rank = 0; rank < n; rank += 1) {
      const [x, y] = place(rank);
      pen.fillStyle = colours.blue;
      dot(pen, x, y, 14);
      pen.fillStyle = ui.root.dataset.tone === "dark" ? "#111" : "#fff";
      pen.fillText(rank, x, y + 1);
    }
    pen.fillStyle = colours.ink;
    const words = !next ? "all have the sum" : done() < count() - 1 ? "add what arrives" : "replace by what arrives";
    pen.fillText(words, x0, y0);
    [pen.textAlign, pen.textBaseline] = ["left", "alphabetic"];
  }

  function drawGrid(table) {
    if (!grid.width) return;
    const pen = grid.begin();
    const n = count();
    const [left, top] = [66, 24];
    const [wide, high] = [Math.min(74, (grid.width - left - 6) / n), (grid.height - top - 8) / n];
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const next = done() < steps() ? sends(done()) : null;
    for (let rank = 0; rank < n; rank += 1) {
      pen.fillStyle = colours.ink;
      pen.globalAlpha = 0.8;
      pen.fillText(`process ${rank}`, left / 2, top + (rank + 0.5) * high);
      for (let piece = 0; piece < n; piece += 1) {
        const [x, y] = [left + piece * wide, top + rank * high];
        if (rank === 0) {
          pen.globalAlpha = 0.8;
          pen.fillStyle = colours.ink;
          pen.fillText(LETTERS[piece], x + wide / 2, top / 2);
        }
        const whole = table[rank][piece] === n;
        pen.fillStyle = colours.blue;
        pen.globalAlpha = 0.08 + 0.5 * table[rank][piece] / n;
        pen.fillRect(x + 2, y + 2, wide - 4, high - 4);
        pen.globalAlpha = 1;
        if (next?.[rank] === piece) {
          pen.strokeStyle = colours.red;
          pen.lineWidth = 2.5;
          pen.strokeRect(x + 2, y + 2, wide - 4, high - 4);
        }
        pen.fillStyle = colours.ink;
        pen.fillText(`${table[rank][piece]}/${n}${whole ? " ✓" : ""}`, x + wide / 2, y + high / 2);
      }
    }
    [pen.textAlign, pen.textBaseline] = ["left", "alphabetic"];
  }

  const sent = () => steps() / count() * model.get("megabytes");
  const seconds = (megabytes) => 8 * megabytes / 1000 / model.get("gigabits");
  scene.draw = () => {
    const table = shares(done());
    drawRing();
    drawGrid(table);
    report(table);
  };

  const buttons = ui.row("course-buttons");
  ui.button(buttons, "back", "◀ Back", () => go(done() - 1));
  ui.button(buttons, "next", "A step ▶", () => go(done() + 1));
  const playButton = ui.button(buttons, "play", "", () => run(!ui.isPlaying()));
  function run(wanted) {
    if (wanted && done() === steps()) ui.set("step", 0);
    moved = 0;
    ui.play(wanted);
    playButton.textContent = wanted ? "■ Stop" : "▶ Play";
    playButton.setAttribute("aria-pressed", wanted);
  }
  function go(step) {
    run(false);
    ui.set("step", clamp(step, 0, steps()));
  }
  scene.leave = () => run(false);
  scene.advance = (passed) => {
    moved += passed / SECONDS_A_STEP;
    if (moved < 1) return;
    moved = 0;
    ui.set("step", done() + 1);
    if (done() === steps()) run(false);
  };
  ui.listen(grid.node, "keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    go(done() + by);
  });

  const figures = ui.figures();
  function report(table) {
    const n = count();
    const whole = table.flat().filter((held) => held === n).length;
    const [ringS, oneS] = [seconds(sent()), seconds(2 * (n - 1) * model.get("megabytes"))];
    ui.root.dataset.probe = JSON.stringify({ step: done(), steps: steps(), table, sent: sent(), ringS, oneS });
    figures([
      ["steps", `${done()} of ${steps()}`],
      ["complete pieces", `${whole} of ${n * n}`],
      ["each process sends", `${sent().toFixed(0)} MB`],
      ["in the ring", `${ringS.toPrecision(3)} s`],
      ["through one process", `${oneS.toPrecision(3)} s`],
    ]);
    ui.tell(`After ${done()} of ${steps()} steps, ${whole} of ${n * n} pieces hold everybody's share. In all, each of ${n} ` +
      `processes sends ${sent().toFixed(0)} MB: ${ringS.toPrecision(3)} s; through one process it would take ${oneS.toPrecision(3)} s.`);
  }

  const sliders = ui.row("course-sliders");
  const step = ui.slider(sliders, { trait: "step", label: "Steps done", step: 1, text: (v) => `${Math.min(v, steps())} of ${steps()}` });
  ui.listen(step, "input", () => run(false));
  ui.slider(sliders, { trait: "processes", label: "Processes", step: 1, text: (v) => `${v}` });
  const log = { step: 0.05, toPosition: (v) => Math.log10(v), toValue: (p) => Number((10 ** p).toPrecision(2)) };
  ui.slider(sliders, { trait: "megabytes", label: "Gradient", text: (v) => `${NUMBERS.format(v)} MB`, ...log });
  ui.slider(sliders, { trait: "gigabits", label: "Connection", text: (v) => `${Number(v.toPrecision(2))} Gbit/s`, ...log });
  ui.root.append(ui.status);
  function fit() {
    step.max = steps();
    if (model.get("step") > steps()) ui.set("step", steps());
    step.value = done();
    step.style.setProperty("--share", `${100 * done() / steps()}%`);
    ui.redraw();
  }
  for (const trait of ["step", "megabytes", "gigabits"]) ui.watch(trait, ui.redraw);
  ui.watch("step", () => step.style.setProperty("--share", `${100 * done() / steps()}%`));
  ui.watch("processes", fit);
  run(false);
  fit();
  return ui.close;
}

export default { render };
