const GATE_ROWS = [
  { letter: "i", name: "input gate", low: 0, high: 1 },
  { letter: "f", name: "forget gate", low: 0, high: 1 },
  { letter: "g", name: "candidate", low: -1, high: 1 },
  { letter: "o", name: "output gate", low: 0, high: 1 },
  { letter: "c", name: "cell", low: null, high: null },
  { letter: "h", name: "hidden state", low: -1, high: 1 },
];

// What Python sent: for each clip its picture, six arrays and the answer, each [frame * units + unit].
function readReadings(model) {
  const bytes = (name) => {
    const view = model.get(name);
    return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  };
  const pixels = new Uint8Array(bytes("_pictures"));
  const numbers = new Float32Array(bytes("_values"));
  let [pixel, number] = [0, 0];
  const take = (count) => numbers.subarray(number, number += count);
  const names = model.get("_clips").map(([name]) => name);
  return new Map(model.get("_readings").map(([frames, bands, units, hop, words], at) => {
    const picture = pixels.subarray(pixel, pixel += frames * bands);
    const values = GATE_ROWS.map(() => take(frames * units));
    const answer = take(frames);
    const largest = values[4].reduce((most, v) => Math.max(most, Math.abs(v)), 0.1);
    return [names[at], { frames, bands, units, hop, words, picture, values, answer, largest }];
  }));
}

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "gates", "The gates of an LSTM");
  const { colours, scene } = ui;
  const clips = readClips(model);
  const readings = readReadings(model);
  const clip = () => clips.get(model.get("clip"));
  const reading = () => readings.get(model.get("clip"));
  const place = () => Math.min(model.get("frame"), reading().frames - 1);
  const signed = (v, digits = 3) => `${v < -0.5 / 10 ** digits ? "−" : ""}${Math.abs(v).toFixed(digits)}`;

  const factor = (v) => (signed(v).startsWith("−") ? `(${signed(v)})` : signed(v));

  // The step at the cursor: numbers of the chosen unit.
  function step() {
    const { units, values, answer } = reading();
    const [t, unit] = [place(), model.get("unit")];
    const [i, f, g, o, c, h] = values.map((part) => part[t * units + unit]);
    const before = t ? values[4][(t - 1) * units + unit] : 0;
    const [kept, written] = [f * before, i * g];
    return { frame: t, unit, i, f, g, o, before, c, h, kept, written, sum: kept + written, says: answer[t] };
  }

  const [pictureTop, pictureHeight, rowHeight, gap] = [20, 92, 46, 10];
  const rowTop = (row) => pictureTop + pictureHeight + gap + row * (rowHeight + gap);
  const bottom = rowTop(7) - gap;
  const stage = ui.canvas(ui.root, "gates-canvas", bottom + 26,
    "Features, gates, cell, hidden state and answer over time. Left and right arrow move the cursor, with Shift ten frames; up and down change the unit.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const [left, right] = [112, () => stage.width - 10];
  const toX = (t) => left + (t + 0.5) / reading().frames * (right() - left);

  // All that does not move with the cursor is drawn once, and copied into each frame.
  let layer = null;
  function background() {
    const key = [model.get("clip"), model.get("unit"), stage.node.width, stage.node.height, colours.ink].join();
    if (layer?.key === key) return layer.image;
    const image = make("canvas");
    [image.width, image.height] = [stage.node.width, stage.node.height];
    const pen = image.getContext("2d");
    const density = window.devicePixelRatio || 1;
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.font = stage.node.getContext("2d").font;
    pen.lineJoin = "round";
    drawPicture(pen);
    GATE_ROWS.forEach((row, at) => drawRow(pen, row, at));
    drawAnswer(pen);
    drawTimes(pen);
    layer = { key, image };
    return image;
  }

  function drawPicture(pen) {
    const { frames, bands, picture, words, hop } = reading();
    const small = make("canvas");
    [small.width, small.height] = [frames, bands];
    const to = small.getContext("2d");
    const data = to.createImageData(frames, bands);
    for (let t = 0; t < frames; t += 1) {
      for (let band = 0; band < bands; band += 1) {
        const [r, g, b] = COLOURS[picture[t * bands + band]];
        data.data.set([r, g, b, 255], 4 * ((bands - 1 - band) * frames + t));
      }
    }
    to.putImageData(data, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, left, pictureTop, right() - left, pictureHeight);
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.fillText("what it reads", 4, pictureTop + 14);
    pen.textAlign = "center";
    for (const [word, start, end] of words) {
      const [a, b] = [start, end].map((s) => toX(s / hop));
      pen.fillText(word, (a + b) / 2, pictureTop - 7);
      pen.lineWidth = 1.5;
      line(pen, a, pictureTop - 3, b, pictureTop - 3);
    }
    pen.textAlign = "left";
  }

  function frameOfRow(pen, at, label, low, high) {
    const top = rowTop(at);
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 1;
    pen.fillText(label, 4, top + 14);
    pen.globalAlpha = 0.7;
    pen.textAlign = "right";
    pen.fillText(signed(high, high % 1 ? 1 : 0), left - 5, top + 9);
    pen.fillText(signed(low, low % 1 ? 1 : 0), left - 5, top + rowHeight);
    pen.textAlign = "left";
    pen.globalAlpha = 0.25;
    for (const value of new Set([low, 0, high])) {
      const y = top + (high - value) / (high - low) * rowHeight;
      line(pen, left, y, right(), y);
    }
    pen.globalAlpha = 1;
    return (value) => top + (high - value) / (high - low) * rowHeight;
  }

  const span = ({ low, high }) => (high === null ? [-reading().largest, reading().largest] : [low, high]);
  function drawRow(pen, row, at) {
    const { frames, units, values } = reading();
    const toY = frameOfRow(pen, at, `${row.letter}  ${row.name}`, ...span(row));
    const trace = (unit) => {
      pen.beginPath();
      for (let t = 0; t < frames; t += 1) pen.lineTo(toX(t), toY(values[at][t * units + unit]));
      pen.stroke();
    };
    pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.16;
    for (let unit = 0; unit < units; unit += 1) trace(unit);
    pen.strokeStyle = colours.blue;
    pen.globalAlpha = 1;
    pen.lineWidth = 2.5;
    trace(model.get("unit"));
    pen.lineWidth = 1;
  }

  function drawAnswer(pen) {
    const { frames, answer } = reading();
    const toY = frameOfRow(pen, 6, "it says", 0, 1);
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2;
    pen.beginPath();
    for (let t = 0; t < frames; t += 1) pen.lineTo(toX(t), toY(answer[t]));
    pen.stroke();
    pen.lineWidth = 1;
  }

  function drawTimes(pen) {
    const { frames, hop } = reading();
    const seconds = frames * hop;
    const every = [0.1, 0.2, 0.5, 1, 2, 5].find((s) => seconds / s <= 12) ?? 10;
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.75;
    pen.textAlign = "center";
    for (let i = 0; i * every < seconds; i += 1) {
      line(pen, toX(i * every / hop), bottom + 3, toX(i * every / hop), bottom + 8);
      pen.fillText(`${Number((i * every).toFixed(1))} s`, toX(i * every / hop), bottom + 21);
    }
    pen.textAlign = "left";
    pen.globalAlpha = 1;
  }

  scene.draw = () => {
    if (!stage.width) return;
    const now = step();
    const pen = stage.begin();
    pen.save();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(background(), 0, 0);
    pen.restore();
    const x = toX(now.frame);
    pen.strokeStyle = pen.fillStyle = colours.red;
    pen.lineWidth = 1.5;
    line(pen, x, pictureTop, x, bottom);
    GATE_ROWS.forEach((row, at) => {
      const [low, high] = span(row);
      dot(pen, x, rowTop(at) + (high - now[row.letter]) / (high - low) * rowHeight, 4.5);
    });
    dot(pen, x, rowTop(6) + (1 - now.says) * rowHeight, 4.5);
    drawSum(now);
    report(now);
  };

  const equation = ui.row("gates-equation");
  const [cellLine, stateLine] = [0, 1].map(() => equation.appendChild(make("div")));
  const sum = ui.canvas(ui.root, "gates-sum", 62,
    "The new cell as a sum of two bars: what is kept of the old one, and what is written.");

  // Kept and written, one bar behind the other, on the scale of the cell.
  function drawSum({ kept, written, before, sum: c }) {
    if (!sum.width) return;
    const pen = sum.begin();
    const { largest } = reading();
    const [from, to] = [left, sum.width - 10];
    const at = (v) => from + (clamp(v / largest, -1, 1) + 1) / 2 * (to - from);
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    ["kept  f · c", "written  i · g"].forEach((text, row) => pen.fillText(text, 4, 14 + 22 * row));
    pen.globalAlpha = 0.3;
    line(pen, at(0), 0, at(0), 46);
    pen.globalAlpha = 1;
    pen.fillStyle = colours.blue;
    pen.fillRect(Math.min(at(0), at(kept)), 4, Math.abs(at(kept) - at(0)), 14);
    pen.fillStyle = colours.red;
    pen.fillRect(Math.min(at(kept), at(c)), 26, Math.max(1.5, Math.abs(at(c) - at(kept))), 14);
    pen.strokeStyle = colours.ink;
    pen.setLineDash([3, 3]);
    line(pen, at(before), 0, at(before), 22);
    line(pen, at(kept), 18, at(kept), 26);
    pen.setLineDash([]);
    pen.lineWidth = 2;
    line(pen, at(c), 22, at(c), 46);
    pen.fillStyle = colours.ink;
    pen.textAlign = "center";
    pen.fillText("new c", clamp(at(c), from + 20, to - 20), 58);
    pen.textAlign = "left";
  }

  const figures = ui.figures();
  function report(now) {
    const { hop, words, units } = reading();
    const seconds = now.frame * hop;
    const word = words.find(([, start, end]) => start <= seconds && seconds < end)?.[0];
    ui.root.dataset.probe = JSON.stringify(now);
    const tanh = Math.tanh(now.c);
    cellLine.textContent = `c = f · c before + i · g = ${signed(now.f)} · ${factor(now.before)} + ` +
      `${signed(now.i)} · ${factor(now.g)} = ${signed(now.kept)} + ${factor(now.written)} = ${signed(now.sum)}`;
    stateLine.textContent = `h = o · tanh c = ${signed(now.o)} · ${factor(tanh)} = ${signed(now.o * tanh)}`;
    figures([
      ["time", `${seconds.toFixed(2)} s`],
      ["frame", `${now.frame}`],
      ["word", word ?? "none"],
      ["unit", `${now.unit} of ${units}`],
      ["kept of the cell", `${(100 * now.f).toFixed(1)} %`],
      ["it says", now.says.toFixed(3)],
    ]);
    ui.tell(`${clip().note}At ${seconds.toFixed(2)} s${word ? `, in "${word}"` : ""}, unit ${now.unit} keeps ` +
      `${(100 * now.f).toFixed(1)} % of its cell of ${signed(now.before)} and writes ${signed(now.written)}: the new cell is ` +
      `${signed(now.sum)}. The network says ${now.says.toFixed(2)}.`);
  }

  const player = createPlayer(ui.root, clip, () => hear(false));
  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "clip", label: "Sound", options: [...clips.keys()].map((name) => [name, name]) });
  const hearButton = ui.button(buttons, "hear", "", () => hear(!player.isOn()));
  function hear(wanted) {
    const { frames, hop } = reading();
    if (wanted) player.start(place() < frames - 5 ? place() * hop : 0);
    else player.stop();
    ui.play(wanted);
    hearButton.textContent = wanted ? "■ Stop" : "▶ Hear from the cursor on";
    hearButton.setAttribute("aria-pressed", wanted);
  }
  scene.leave = () => hear(false);
  scene.advance = () => {
    if (player.isOn()) moveTo(player.position() / reading().hop);
  };

  const sliders = ui.row("course-sliders");
  const time = ui.slider(sliders, { trait: "frame", label: "Cursor", step: 1, text: (v) => `${(Math.min(v, reading().frames - 1) * reading().hop).toFixed(2)} s` });
  const unit = ui.slider(sliders, { trait: "unit", label: "Unit", step: 1, text: (v) => `${v}` });
  ui.root.append(ui.status);
  // As far as this sound and this network go.
  function fit() {
    time.max = reading().frames - 1;
    unit.max = reading().units - 1;
    for (const [input, trait] of [[time, "frame"], [unit, "unit"]]) {
      input.value = model.get(trait);
      input.style.setProperty("--share", `${100 * input.value / Math.max(1, input.max)}%`);
    }
  }

  function moveTo(frame) {
    ui.set("frame", clamp(Math.round(frame), 0, reading().frames - 1));
  }
  ui.drag(stage.node, (x) => {
    if (player.isOn()) hear(false);
    moveTo((x - left) / (right() - left) * reading().frames - 0.5);
  });
  ui.listen(time, "input", () => { if (player.isOn()) hear(false); });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], PageDown: [-10, 0], PageUp: [10, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  ui.listen(stage.node, "keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    if (player.isOn()) hear(false);
    const [later, other] = moves[event.key];
    if (later) moveTo(place() + later * (event.shiftKey ? 10 : 1));
    if (other) ui.set("unit", clamp(model.get("unit") + other, 0, reading().units - 1));
  });

  for (const trait of ["frame", "unit"]) ui.watch(trait, ui.redraw);
  ui.watch("clip", () => {
    hear(false);
    fit();
  });
  hear(false);
  fit();
  return ui.close;
}

export default { render };
