const FRAME_MS = 9; // for learning in a frame; drawing takes some more
const STEPS_A_FRAME = 6;
const [GRID_X, GRID_Y] = [44, 36];
const TICKS = [[200, 300, 500, 800, 1200], [700, 1000, 1500, 2000, 3000]];
const BANDWIDTHS_HZ = [60, 90, 150];
const PITCH_HZ = 130;

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "playground", "Boundary playground: a network learns vowels");
  const { colours, scene } = ui;
  const { centre, scale, most } = model.get("_fixed");
  const limits = model.get("_limits");
  const [lows, highs] = [0, 1].map((end) => ["f1_hz", "f2_hz"].map((name) => limits[name][end]));
  const toInput = (hz, axis) => (Math.log(hz) - centre[axis]) / scale;
  const edges = [lows, highs].map((ends) => ends.map(toInput));
  const toHz = (value, axis) => Math.exp(centre[axis] + scale * value);

  const charts = ui.row("playground-charts");
  const plane = ui.canvas(charts, "playground-plane course-draggable", 380,
    "The plane of F1 and F2 with the vowels, the boundary of the network and the vowel pointed at.");
  const chart = ui.canvas(charts, "playground-curves", 380,
    "Loss of the training speakers and of the held-out speakers over the steps.");

  const SETTINGS = ["task", "layers", "width", "activation", "optimiser", "rate", "speakers", "seed"];
  const now = { key: "" };

  function points(task, wanted) {
    const [, , ...rows] = model.get("_points")[task];
    const [X, labels, hz] = [[], [], []];
    for (let k = 0; k < rows.length; k += 4) {
      if (!wanted(rows[k + 3])) continue;
      X.push(toInput(rows[k], 0), toInput(rows[k + 1], 1));
      labels.push(rows[k + 2]);
      hz.push([rows[k], rows[k + 1]]);
    }
    return { X: Float64Array.from(X), labels, hz, count: labels.length };
  }

  function begin() {
    const [task, layers, width, activation, , , speakers, seed] = SETTINGS.map((name) => model.get(name));
    const sizes = [2, ...Array.from({ length: layers }, () => width), 1];
    now.network = createNetwork(sizes, activation, seed);
    now.used = points(task, (speaker) => speaker < speakers);
    now.held = points(task, (speaker) => speaker >= most);
    now.names = model.get("_points")[task].slice(0, 2);
    now.curve = [];
    measure();
  }

  // Both losses where the network stands; what it gives for the training points is kept for the next step.
  function measure() {
    now.H = now.network.forward(now.used.X, now.used.count);
    const [mine, theirs] = [now.H.at(-1), now.network.forward(now.held.X, now.held.count).at(-1)];
    now.losses = [crossEntropy(mine, now.used.labels), crossEntropy(theirs, now.held.labels)];
    now.shares = [share(mine, now.used.labels), share(theirs, now.held.labels)];
    now.curve.push([now.network.steps(), ...now.losses]);
    // Keep the curve short: every second of its old points goes.
    if (now.curve.length > 600) now.curve = now.curve.filter((_, k) => k % 2 === 0 || k > 500);
  }

  const overflowed = () => !Number.isFinite(now.losses[0]);
  // At most so many steps, and no longer than a part of a frame; at least one.
  function learn(count) {
    const [start, adam, rate] = [performance.now(), model.get("optimiser") === "Adam", model.get("rate")];
    let done = 0;
    while (done < count && (done === 0 || performance.now() - start < FRAME_MS)) {
      now.network.backward(now.H, now.used.labels);
      now.network.step(rate, adam);
      measure();
      done += 1;
    }
  }

  // The picture follows from the traits: other settings begin anew and learn as many steps.
  function follow() {
    const key = JSON.stringify(SETTINGS.map((name) => model.get(name)));
    if (key !== now.key) {
      now.key = key;
      begin();
    }
    if (ui.isPlaying()) return;
    const missing = model.get("steps") - now.network.steps();
    if (missing < 0) begin();
    if (missing > 0 && !overflowed()) learn(missing);
    if (model.get("steps") !== now.network.steps() && !overflowed()) ui.redraw();
  }

  const picture = make("canvas", { width: GRID_X, height: GRID_Y });
  const grid = new Float64Array(2 * GRID_X * GRID_Y);
  for (let y = 0; y < GRID_Y; y += 1) {
    for (let x = 0; x < GRID_X; x += 1) {
      grid[2 * (y * GRID_X + x)] = edges[0][0] + x / (GRID_X - 1) * (edges[1][0] - edges[0][0]);
      grid[2 * (y * GRID_X + x) + 1] = edges[0][1] + y / (GRID_Y - 1) * (edges[1][1] - edges[0][1]);
    }
  }

  const frameOf = () => [46, plane.width - 10, 30, plane.height - 42];
  const mapX = (value) => {
    const [left, right] = frameOf();
    return left + (value - edges[0][0]) / (edges[1][0] - edges[0][0]) * (right - left);
  };
  const mapY = (value) => {
    const [, , top, bottom] = frameOf();
    return bottom - (value - edges[0][1]) / (edges[1][1] - edges[0][1]) * (bottom - top);
  };

  // Where a point of the grid lies on the canvas.
  const place = (x, y) => [mapX(edges[0][0] + x / (GRID_X - 1) * (edges[1][0] - edges[0][0])),
    mapY(edges[0][1] + y / (GRID_Y - 1) * (edges[1][1] - edges[0][1]))];

  function drawField(pen, scores) {
    const context = picture.getContext("2d");
    const image = context.createImageData(GRID_X, GRID_Y);
    const pair = [channels(colours.blue), channels(colours.red)];
    for (let y = 0; y < GRID_Y; y += 1) {
      for (let x = 0; x < GRID_X; x += 1) {
        const p = 1 / (1 + Math.exp(-scores[y * GRID_X + x]));
        const k = 4 * ((GRID_Y - 1 - y) * GRID_X + x);
        image.data.set([...pair[p > 0.5 ? 1 : 0], 190 * Math.abs(p - 0.5)], k);
      }
    }
    context.putImageData(image, 0, 0);
    const [left, right, top, bottom] = frameOf();
    pen.drawImage(picture, left, top, right - left, bottom - top);
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    pen.setLineDash([4, 4]);
    for (const level of [-Math.log(9), Math.log(9)]) contour(pen, scores, level, [GRID_X, GRID_Y], place);
    pen.setLineDash([]);
    pen.lineWidth = 2.5;
    contour(pen, scores, 0, [GRID_X, GRID_Y], place);
  }

  function drawNeurons(pen) {
    const { out, W, b } = now.network.layers[0];
    const [left, right, top, bottom] = frameOf();
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, bottom - top);
    pen.clip();
    pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.6;
    pen.lineWidth = 1;
    pen.setLineDash([1, 3]);
    for (let j = 0; j < out; j += 1) {
      const [u, v] = [W[2 * j], W[2 * j + 1]];
      const steep = Math.abs(u) > Math.abs(v);
      const ends = [-9, 9].map((t) => (steep ? [-(b[j] + v * t) / u, t] : [t, -(b[j] + u * t) / v]));
      line(pen, ...ends.flatMap(([x, y]) => [mapX(x), mapY(y)]));
    }
    pen.restore();
  }

  function drawPlane() {
    const pen = plane.begin();
    const [left, right, top, bottom] = frameOf();
    const scores = now.network.forward(grid, GRID_X * GRID_Y).at(-1);
    if (!overflowed()) drawField(pen, scores);
    if (model.get("neurons") && model.get("layers") > 0) drawNeurons(pen);
    for (const [part, filled] of [[now.held, false], [now.used, true]]) {
      part.labels.forEach((label, p) => mark(pen, colours, label, mapX(part.X[2 * p]), mapY(part.X[2 * p + 1]), filled));
    }
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.5;
    pen.strokeRect(left, top, right - left, bottom - top);
    pen.globalAlpha = 0.85;
    pen.textAlign = "center";
    for (const hz of TICKS[0]) pen.fillText(hz, mapX(toInput(hz, 0)), bottom + 16);
    pen.fillText("F1 (Hz)", (left + right) / 2, plane.height - 8);
    pen.textAlign = "right";
    for (const hz of TICKS[1]) pen.fillText(hz, left - 6, mapY(toInput(hz, 1)) + 4);
    pen.textAlign = "left";
    pen.fillText("F2 (Hz)", 2, 14);
    let x = left + 24;
    now.names.forEach((name, label) => {
      mark(pen, colours, label, x, 10, true);
      mark(pen, colours, label, x + 13, 10, false);
      pen.fillStyle = colours.ink;
      pen.fillText(name, x + 22, 14);
      x += 44 + pen.measureText(name).width;
    });
    // The vowel that is pointed at: a cross with a gap.
    const [px, py] = [mapX(toInput(model.get("f1_hz"), 0)), mapY(toInput(model.get("f2_hz"), 1))];
    pen.globalAlpha = 1;
    pen.lineWidth = 2.5;
    pen.strokeStyle = colours.ink;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) line(pen, px + 4 * dx, py + 4 * dy, px + 13 * dx, py + 13 * dy);
  }

  const score = () => now.network.forward(
    Float64Array.of(toInput(model.get("f1_hz"), 0), toInput(model.get("f2_hz"), 1)), 1).at(-1)[0];

  scene.draw = () => {
    if (!plane.width || !chart.width) return;
    follow();
    drawPlane();
    drawLosses(chart, colours, now.curve, now.network.steps());
    report();
    sound.update();
  };
  scene.advance = () => {
    follow();
    const room = limits.steps[1] - now.network.steps();
    if (room > 0 && !overflowed()) learn(Math.min(room, STEPS_A_FRAME));
    else run(false);
  };
  scene.leave = () => {
    if (ui.isPlaying()) run(false);
    silence();
  };

  const figures = ui.figures();
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  function report() {
    const steps = now.network.steps();
    const parameters = now.network.layers.reduce((sum, { W, b }) => sum + W.length + b.length, 0);
    const p = 1 / (1 + Math.exp(-score()));
    const [used, held] = now.losses;
    ui.root.dataset.probe = JSON.stringify({ steps, train: used, held, p, right: now.shares[0], heldRight: now.shares[1], parameters });
    figures([
      ["steps", NUMBERS.format(steps)],
      ["parameters", NUMBERS.format(parameters)],
      ["right, training", percent(now.shares[0])],
      ["right, held out", percent(now.shares[1])],
      ["at the cross", `${percent(1 - p)} ${now.names[0]}`],
    ]);
    let remark = "";
    if (overflowed()) remark = " The numbers have overflowed: the rate is too large. Lower it.";
    else if (steps >= 5 && used > now.curve[0][1] + 0.3) remark = " The loss is higher than at the start: the rate is too large.";
    else if (steps >= 50 && held > 2 * used + 0.1) remark = " It knows its own speakers much better than others: it overfits.";
    ui.tell(`${NUMBERS.format(steps)} steps, ${parameters} parameters. Loss ${used.toFixed(3)}, ${percent(now.shares[0])} right; ` +
      `on held-out speakers ${held.toFixed(3)}, ${percent(now.shares[1])} right. At F1 ${hertz(model.get("f1_hz"))}, F2 ` +
      `${hertz(model.get("f2_hz"))} it says ${now.names[0]} with ${percent(1 - p)}, ${now.names[1]} with ${percent(p)}.${remark}`);
  }

  // A saw-tooth through three resonances: gain 1 at 0 Hz, and at the resonance its frequency over its width.
  const third = () => Math.max(2450, 1.15 * model.get("f2_hz"));
  const sound = createSound(ui.root, (context, output) => {
    const source = new OscillatorNode(context, { type: "sawtooth", frequency: PITCH_HZ });
    const filters = BANDWIDTHS_HZ.map(() => new BiquadFilterNode(context, { type: "lowpass" }));
    [...filters, output].reduce((from, to) => from.connect(to), source);
    source.start();
    return (glide) => {
      [model.get("f1_hz"), model.get("f2_hz"), third()].forEach((hz, k) => {
        filters[k].frequency.setTargetAtTime(hz, context.currentTime, glide);
        filters[k].Q.setTargetAtTime(20 * Math.log10(hz / BANDWIDTHS_HZ[k]), context.currentTime, glide);
      });
    };
  }, () => 0.06);
  function silence() {
    sound.stop();
    soundButton.textContent = "♪ Hear the vowel at the cross";
    soundButton.setAttribute("aria-pressed", false);
  }

  const buttons = ui.row("course-buttons");
  const playButton = ui.button(buttons, "play", "", () => run(!ui.isPlaying()));
  ui.button(buttons, "step", "1 step", () => {
    run(false);
    follow();
    ui.set("steps", Math.min(limits.steps[1], model.get("steps") + 1));
  });
  ui.button(buttons, "reset", "↺ Back to step 0", () => {
    now.key = "";
    ui.set("steps", 0);
    ui.redraw();
  });
  ui.button(buttons, "weights", "Other first weights", () => ui.set("seed", (model.get("seed") + 1) % (limits.seed[1] + 1)));
  const soundButton = ui.button(buttons, "sound", "", () => {
    if (sound.isOn()) return silence();
    sound.start();
    soundButton.textContent = "■ Silence";
    soundButton.setAttribute("aria-pressed", true);
  });
  function run(wanted) {
    if (ui.isPlaying() && !wanted && now.network) ui.set("steps", now.network.steps());
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Pause" : "▶ Learn";
    playButton.setAttribute("aria-pressed", wanted);
  }

  const choices = ui.row("course-buttons");
  const names = (list) => list.map((name) => [name, name]);
  ui.select(choices, { trait: "task", label: "Task", options: names(Object.keys(model.get("_points"))) });
  ui.select(choices, { trait: "activation", label: "Activation", options: names(Object.keys(ACTIVATIONS)) });
  ui.select(choices, { trait: "optimiser", label: "Optimiser", options: names(["gradient descent", "Adam"]) });
  ui.checkbox(choices, "neurons", "Show the line of each neuron in the first layer");

  const sliders = ui.row("course-sliders");
  const whole = (unit) => (v) => `${v} ${unit}${v === 1 ? "" : "s"}`;
  ui.slider(sliders, { trait: "layers", label: "Hidden layers", step: 1, text: (v) => `${v}` });
  ui.slider(sliders, { trait: "width", label: "Width", step: 1, text: whole("neuron") });
  ui.slider(sliders, {
    trait: "rate", label: "Learning rate", step: 0.05, text: (v) => `${Number(v.toPrecision(2))}`,
    toPosition: Math.log10, toValue: (p) => Number((10 ** p).toPrecision(2)),
  });
  ui.slider(sliders, { trait: "speakers", label: "Speakers to learn from", step: 1, text: whole("speaker") });
  for (const [trait, label] of [["f1_hz", "F1 of the cross"], ["f2_hz", "F2 of the cross"]]) {
    ui.slider(sliders, {
      trait, label, step: 0.01, text: hertz, toPosition: Math.log, toValue: (p) => Math.round(Math.exp(p)),
    });
  }
  ui.root.append(ui.status);

  ui.drag(plane.node, (x, y) => {
    const [left, right, top, bottom] = frameOf();
    const at = [(x - left) / (right - left), (bottom - y) / (bottom - top)];
    ["f1_hz", "f2_hz"].forEach((trait, axis) => {
      const value = edges[0][axis] + clamp(at[axis], 0, 1) * (edges[1][axis] - edges[0][axis]);
      ui.set(trait, clamp(Math.round(toHz(value, axis)), lows[axis], highs[axis]));
    });
  });

  for (const trait of [...SETTINGS, "steps", "f1_hz", "f2_hz", "neurons"]) ui.watch(trait, ui.redraw);
  run(false);
  silence();
  return ui.close;
}

export default { render };
