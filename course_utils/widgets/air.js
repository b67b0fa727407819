function render({ model, el }) {
  const ui = createExplorer({ model, el }, "air", "Air particles and pressure");
  const { colours, scene } = ui;
  const air = model.get("_air");
  const margin_m = 0.2; // room for the loudspeaker and its largest swing
  const inset = 8;
  const [tubeTop, tubeHeight, panelHeight, gap] = [24, 132, 112, 12];

  const stage = ui.canvas(ui.root, "air-canvas", 400,
    "A tube of air with a loudspeaker at the left; below it, on the same axis, displacement and pressure.");
  stage.node.classList.add("course-draggable");

  // An additive recurrence fills the tube evenly, its first n points for every n; a little chance keeps
  // it from looking like a crystal.
  const chance = (seed) => Math.abs(Math.sin(seed) * 43758.5453) % 1 - 0.5;
  const particles = Array.from({ length: 1100 }, (_, i) => [
    (i * 0.7548777) % 1 * (air.length + margin_m) + 0.018 * chance(2 * i + 1),
    clamp((i * 0.5698403) % 1 + 0.05 * chance(2 * i + 2), 0, 1),
  ]);

  // The phase is what time leaves behind: a change of frequency makes no jump at the loudspeaker.
  let [phase, time] = [0, 0];
  const wave = () => {
    const frequency = model.get("frequency_hz");
    const pressure = model.get("pressure_pa");
    const k = 2 * Math.PI * frequency / air.speed;
    const swing = pressure / (air.density * air.speed * 2 * Math.PI * frequency);
    return {
      frequency, pressure, k, swing, length: air.speed / frequency,
      s: (x) => swing * Math.sin(k * x - phase),
      p: (x) => -pressure * Math.cos(k * x - phase),
    };
  };
  const cursor = (now) => {
    if (!model.get("follow_crest")) return model.get("cursor_m");
    const run = now.length * Math.max(1, Math.floor(air.length / now.length));
    return ((Math.PI + phase) / now.k) % run;
  };

  scene.advance = (seconds) => {
    const passed = seconds / model.get("slowdown");
    time += passed;
    phase += 2 * Math.PI * model.get("frequency_hz") * passed;
  };

  function drawTube(pen, now, toX) {
    const middle = tubeTop + tubeHeight / 2;
    const drawn = (x) => toX(x + air.exaggeration * now.s(x));
    const right = toX(air.length);
    pen.save();
    pen.beginPath();
    pen.rect(0, tubeTop, right, tubeHeight);
    pen.clip();
    pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.62;
    const count = clamp(Math.round(stage.width * 1.1), 440, particles.length);
    pen.beginPath();
    for (let i = 0; i < count; i += 1) {
      const [x, y] = particles[i];
      const [left, top] = [drawn(x), tubeTop + 6 + y * (tubeHeight - 12)];
      pen.moveTo(left + 1.6, top);
      pen.arc(left, top, 1.6, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.restore();

    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1.5;
    pen.globalAlpha = 0.5;
    line(pen, inset, tubeTop, right, tubeTop);
    line(pen, inset, tubeTop + tubeHeight, right, tubeTop + tubeHeight);
    const membrane = drawn(0);
    pen.globalAlpha = 0.25;
    pen.beginPath();
    for (const [x, y] of [[inset, 24], [inset + 8, 24], [membrane, 62], [membrane, -62], [inset + 8, -24], [inset, -24]])
      pen.lineTo(x, middle + y);
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = 3;
    line(pen, membrane, tubeTop + 3, membrane, tubeTop + tubeHeight - 3);

    // The marked particle, its place and its path.
    const swing = (toX(air.exaggeration * now.swing) - toX(0));
    const home = toX(air.marked);
    pen.strokeStyle = pen.fillStyle = colours.blue;
    pen.lineWidth = 2;
    line(pen, home - swing, middle, home + swing, middle);
    for (const x of [home - swing, home, home + swing]) line(pen, x, middle - 7, x, middle + 7);
    dot(pen, drawn(air.marked), middle, 6);
  }

  function drawPanel(pen, now, toX, top, title, colour, dashes, value, largest) {
    const middle = top + panelHeight / 2 + 8;
    const toY = (v) => middle - v / largest * (panelHeight / 2 - 8);
    const [left, right] = [toX(0), toX(air.length)];
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.85;
    pen.fillText(title, left, top + 10);
    pen.globalAlpha = 0.35;
    pen.lineWidth = 1;
    line(pen, left, middle, right, middle);
    pen.globalAlpha = 0.75;
    pen.textAlign = "right";
    pen.fillText(String(largest / 2), left - 6, toY(largest / 2) + 4);
    pen.fillText("0", left - 6, middle + 4);
    pen.textAlign = "left";
    pen.globalAlpha = 0.35;
    line(pen, left - 3, toY(largest / 2), left + 3, toY(largest / 2));
    pen.globalAlpha = 1;
    pen.strokeStyle = colour;
    pen.lineWidth = 2.5;
    pen.setLineDash(dashes);
    const perPixel = air.length / (right - left);
    curve(pen, left, right, (x) => toY(value((x - left) * perPixel)), 2);
    pen.setLineDash([]);
    return toY;
  }

  function drawCursor(pen, now, toX, x, bottom) {
    const left = toX(x);
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.8;
    pen.lineWidth = 1.25;
    pen.setLineDash([3, 4]);
    line(pen, left, tubeTop - 4, left, bottom);
    pen.setLineDash([]);
    const share = now.p(x) / (now.pressure || 1);
    const text = share > 0.5 ? "dense = high pressure = crest"
      : share < -0.5 ? "thin = low pressure = trough" : "pressure near its resting value";
    pen.globalAlpha = 1;
    const half = pen.measureText(text).width / 2;
    pen.textAlign = "center";
    pen.fillText(text, clamp(left, half + 2, stage.width - half - 2), tubeTop - 10);
    pen.textAlign = "left";
  }

  scene.draw = () => {
    const now = wave();
    const [showS, showP] = [model.get("show_displacement"), model.get("show_pressure")];
    stage.height = tubeTop + tubeHeight + (showS + showP) * (panelHeight + gap) + 42;
    const pen = stage.begin();
    const toX = (x) => inset + (x + margin_m) / (air.length + margin_m) * (stage.width - 2 * inset);
    drawTube(pen, now, toX);
    let top = tubeTop + tubeHeight + gap;
    const x = cursor(now);
    const dots = [];
    if (showS) {
      const toY = drawPanel(pen, now, toX, top, "displacement in µm (up: to the right)", colours.blue, [7, 4],
        (m) => 1e6 * now.s(m), 2);
      const home = toX(air.marked);
      pen.strokeStyle = pen.fillStyle = colours.blue;
      line(pen, home, toY(0), home, toY(1e6 * now.s(air.marked)));
      dot(pen, home, toY(1e6 * now.s(air.marked)), 5);
      dots.push([toY(1e6 * now.s(x)), colours.blue]);
      top += panelHeight + gap;
    }
    if (showP) {
      const toY = drawPanel(pen, now, toX, top, "change of pressure in Pa", colours.red, [], now.p, 1);
      dots.push([toY(now.p(x)), colours.red]);
      top += panelHeight + gap;
    }
    drawCursor(pen, now, toX, x, top - 8);
    for (const [y, colour] of dots) {
      pen.fillStyle = colour;
      dot(pen, toX(x), y, 4);
    }
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.75;
    pen.lineWidth = 1;
    for (let m = 0; m <= air.length; m += 0.5) {
      line(pen, toX(m), top - 4, toX(m), top + 2);
      pen.textAlign = m === air.length ? "right" : "center";
      pen.fillText(`${m} m`, toX(m), top + 15);
    }
    pen.textAlign = "left";
    pen.globalAlpha = 1;
    report(now, x);
  };

  const figures = ui.figures();
  function report(now, x) {
    const level = now.pressure ? `${Math.round(20 * Math.log10(now.pressure / Math.SQRT2 / 20e-6))} dB SPL` : "silence";
    const swing = `${(1e6 * now.swing).toFixed(2)} µm`;
    figures([
      ["wavelength c / f", `${now.length.toFixed(2)} m`],
      ["period 1 / f", `${(1000 / now.frequency).toFixed(2)} ms`],
      ["level", level],
      ["each particle swings", `± ${swing}`],
      ["time passed", `${(1000 * time).toFixed(2)} ms`],
      ["at the line, pressure", `${now.p(x) < 0 ? "−" : "+"}${Math.abs(now.p(x)).toFixed(2)} Pa`],
    ]);
    ui.tell(now.pressure === 0 ? "No wave: the particles stand evenly, the pressure is the same everywhere."
      : `The pattern runs to the right at ${air.speed} m/s, ${now.length.toFixed(2)} m in each period. ` +
        `The air does not travel: the marked particle swings ${swing} to either side of its place ` +
        `(drawn ${NUMBERS.format(air.exaggeration)} times larger). Where the particles are dense the pressure ` +
        "is highest; there the displacement is zero, a quarter period away from its own crest.");
  }

  const buttons = ui.row("course-buttons");
  const playButton = ui.button(buttons, "play", "", () => play(!ui.isPlaying()));
  function play(wanted) {
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Pause" : "▶ Play";
  }
  ui.button(buttons, "step", "Step: 1/24 period", () => {
    play(false);
    scene.advance(model.get("slowdown") / (24 * model.get("frequency_hz")));
  });
  ui.checkbox(buttons, "show_displacement", "displacement");
  ui.checkbox(buttons, "show_pressure", "pressure");
  ui.checkbox(buttons, "follow_crest", "line follows a crest");

  const sliders = ui.row("course-sliders");
  ui.slider(sliders, { trait: "frequency_hz", label: "Frequency", step: 1, text: hertz });
  ui.slider(sliders, {
    trait: "pressure_pa", label: "Amplitude (pressure)", step: 0.02, text: (v) => `${v.toFixed(2)} Pa`,
  });
  ui.slider(sliders, {
    trait: "slowdown", label: "Speed of time", step: 0.05, text: (v) => `1 / ${NUMBERS.format(v)}`,
    // To the right is faster.
    toPosition: (v) => -Math.log10(v), toValue: (p) => Number((10 ** -p).toPrecision(2)),
  });
  const line_m = ui.slider(sliders, {
    trait: "cursor_m", label: "Hold the line at", step: 0.01, text: (v) => `${v.toFixed(2)} m`,
  });
  const release = () => ui.set("follow_crest", false);
  ui.listen(line_m, "input", release);
  ui.drag(stage.node, (x) => {
    const share = (x - inset) / (stage.width - 2 * inset);
    ui.set("cursor_m", clamp(share * (air.length + margin_m) - margin_m, 0, air.length));
    release();
  });
  ui.root.append(ui.status);

  for (const trait of ["frequency_hz", "pressure_pa", "slowdown", "cursor_m", "follow_crest", "show_displacement", "show_pressure"])
    ui.watch(trait, ui.redraw);
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  return ui.close;
}

export default { render };
