function render({ model, el }) {
  const ui = createExplorer({ model, el }, "tagging", "Tagging explorer");
  const { colours, scene } = ui;
  const names = model.get("_names");
  const outside = model.get("_outside");
  const copy = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

  // name → { samples, rate, seconds, note, clip, frames, count, frame_s, image }
  let clips = new Map();
  function read() {
    clips = readClips(model);
    const frames = new Float32Array(copy(model.get("_frames")));
    const levels = new Uint8Array(copy(model.get("_levels")));
    let [frame, level] = [0, 0];
    model.get("_tagged").forEach(([clip, count, frame_s, steps, bands], i) => {
      const name = model.get("_clips")[i][0];
      Object.assign(clips.get(name), {
        clip, count, frame_s, frames: frames.subarray(frame, frame + count * names.length),
        image: picture(levels.subarray(level, level + steps * bands), steps, bands),
      });
      frame += count * names.length;
      level += steps * bands;
    });
  }
  function picture(values, steps, bands) {
    const image = make("canvas", { width: steps, height: bands });
    const pen = image.getContext("2d");
    const pixels = pen.createImageData(steps, bands);
    for (let x = 0; x < steps; x += 1) {
      for (let row = 0; row < bands; row += 1)
        pixels.data.set([...COLOURS[values[x * bands + row]], 255], 4 * ((bands - 1 - row) * steps + x));
    }
    pen.putImageData(pixels, 0, 0);
    return image;
  }
  const clip = () => clips.get(model.get("clip")) ?? clips.values().next().value;

  // The rule of metrics.detect.
  function events(sound, column, threshold) {
    const { shortest_s, gap_s } = outside.event;
    const spans = [];
    for (let t = 0; t < sound.count; t += 1) {
      if (sound.frames[t * names.length + column] < threshold) continue;
      const last = spans.at(-1);
      if (last && (last[1] === t || (t - last[1]) * sound.frame_s < gap_s)) last[1] = t + 1;
      else spans.push([t, t + 1]);
    }
    return spans.filter(([start, end]) => (end - start) * sound.frame_s >= shortest_s)
      .map(([start, end]) => [Math.max(0, (start - 0.5) * sound.frame_s), (end - 0.5) * sound.frame_s]);
  }

  const lane = 24;
  const [left, top, high] = [92, 20, 140];
  const lanes = top + high + 8;
  const bottom = lanes + lane * names.length;
  const stage = ui.canvas(ui.root, "tagging-canvas", bottom + 34,
    "Spectrogram; below it, for each kind of sound, its probability over time; on the right its probability " +
    "for the whole clip. Left and right arrow move the cursor, up and down the threshold.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const right = () => stage.width - 150;
  const bars = () => [right() + 22, stage.width - 44];
  const toX = (t) => left + t / clip().seconds * (right() - left);
  const toBar = (p) => bars()[0] + p * (bars()[1] - bars()[0]);

  const player = createPlayer(ui.root, clip, () => hear(false));

  function drawLane(pen, sound, column, threshold) {
    const base = lanes + lane * (column + 1) - 6;
    const [p, room] = [sound.clip[column], lane - 8];
    const on = p >= threshold;
    pen.fillStyle = colours.ink;
    pen.textAlign = "right";
    pen.font = `${on ? "bold " : ""}12px ${getComputedStyle(ui.root).fontFamily}`;
    pen.fillText(`${on ? "✓ " : ""}${names[column]}`, left - 8, base - 2);
    // The frames' probabilities, stronger where they reach the threshold.
    const value = (t) => sound.frames[t * names.length + column];
    for (const strong of [false, true]) {
      pen.fillStyle = strong ? colours.blue : colours.ink;
      pen.globalAlpha = strong ? 0.9 : 0.3;
      for (let t = 0; t < sound.count; t += 1) {
        if (value(t) >= threshold !== strong) continue;
        const from = Math.max(left, toX((t - 0.5) * sound.frame_s));
        const to = Math.min(right(), toX((t + 0.5) * sound.frame_s));
        const tall = Math.max(0.5, value(t) * room);
        pen.fillRect(from, base - tall, to - from + 0.3, tall);
      }
    }
    pen.globalAlpha = 0.25;
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    line(pen, left, base + 0.5, right(), base + 0.5);
    pen.setLineDash([3, 4]);
    line(pen, left, base - threshold * room, right(), base - threshold * room);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    // What is detected: a bar with ends.
    pen.strokeStyle = colours.red;
    pen.lineWidth = 3;
    const found = events(sound, column, threshold);
    for (const [start, end] of found) {
      const [x1, x2] = [toX(start), Math.min(right(), toX(end))];
      line(pen, x1, base + 3.5, x2, base + 3.5);
      for (const x of [x1, x2]) line(pen, x, base, x, base + 6);
    }
    // The clip's own probability.
    pen.fillStyle = on ? colours.blue : colours.ink;
    pen.globalAlpha = on ? 0.9 : 0.3;
    pen.fillRect(bars()[0], base - 12, Math.max(1, toBar(p) - bars()[0]), 12);
    pen.globalAlpha = 1;
    pen.fillStyle = colours.ink;
    pen.textAlign = "left";
    pen.fillText(p.toFixed(2), bars()[1] + 8, base - 2);
    return found.map(([start, end]) => [names[column], start, end]);
  }

  scene.draw = () => {
    const [sound, threshold] = [clip(), model.get("threshold")];
    const pen = stage.begin();
    if (right() < left + 40) return;
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.textAlign = "left";
    pen.globalAlpha = 0.8;
    pen.fillText("spectrogram, mel bands", left, 13);
    pen.fillText("whole clip", bars()[0], lanes - 4);
    pen.globalAlpha = 1;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(sound.image, left, top, right() - left, high);
    const found = names.flatMap((_, column) => drawLane(pen, sound, column, threshold));
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    for (let t = 0; t <= sound.seconds + 1e-9; t += sound.seconds > 6 ? 2 : 1) {
      line(pen, toX(t), bottom, toX(t), bottom + 4);
      pen.fillText(`${t}`, toX(t), bottom + 17);
    }
    pen.fillText("time in s", (left + right()) / 2, bottom + 31);
    pen.strokeStyle = pen.fillStyle = colours.red;
    pen.lineWidth = 2;
    pen.setLineDash([6, 4]);
    line(pen, toBar(threshold), lanes + 2, toBar(threshold), bottom + 4);
    pen.setLineDash([]);
    pen.fillText(threshold.toFixed(2), toBar(threshold), bottom + 17);
    const playing = player.isOn() ? Math.min(player.position(), sound.seconds) : null;
    const x = toX(Math.min(playing ?? model.get("time_s"), sound.seconds));
    for (const [colour, width] of [["#000", 3], [playing === null ? "#fff" : colours.red, 1.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.globalAlpha = colour === "#000" ? 0.4 : 1;
      line(pen, x, top, x, top + high);
    }
    pen.globalAlpha = 0.7;
    pen.strokeStyle = playing === null ? colours.ink : colours.red;
    pen.lineWidth = 1;
    line(pen, x, lanes, x, bottom);
    pen.globalAlpha = 1;
    report(sound, threshold, found);
  };

  const figures = ui.figures();
  let notice = "";
  function report(sound, threshold, found) {
    const on = names.filter((_, column) => sound.clip[column] >= threshold);
    ui.root.dataset.tagging = JSON.stringify({ clip: model.get("clip"), tags: on, events: found });
    const t = clamp(Math.round(model.get("time_s") / sound.frame_s), 0, sound.count - 1);
    const here = names.map((name, column) => [sound.frames[t * names.length + column], name])
      .sort((a, b) => b[0] - a[0])[0];
    figures([
      ["tags", on.join(", ") || "none"],
      ["threshold", threshold.toFixed(2)],
      ["at the cursor", `${(t * sound.frame_s).toFixed(2)} s: ${here[1]} ${here[0].toFixed(2)}`],
    ]);
    const when = found.map(([name, start, end]) => `${name} ${start.toFixed(1)} to ${end.toFixed(1)} s`);
    ui.tell(notice || `${sound.note}At a threshold of ${threshold.toFixed(2)} the tags are: ` +
      `${on.join(", ") || "none"}. Heard in time: ${when.join("; ") || "nothing"}.`);
  }

  const buttons = ui.row("course-buttons");
  const chosen = ui.select(buttons, { trait: "clip", label: "Clip", options: [] });
  const hearButton = ui.button(buttons, "hear", "", () => hear(!player.isOn()));
  function hear(wanted) {
    if (wanted) player.start(model.get("time_s") < clip().seconds - 0.1 ? model.get("time_s") : 0);
    else player.stop();
    ui.play(wanted);
    hearButton.textContent = wanted ? "■ Stop" : "▶ Hear from the cursor on";
    hearButton.setAttribute("aria-pressed", wanted);
  }

  const say = (text) => {
    notice = text;
    ui.redraw();
  };
  const intake = createIntake(ui, model, buttons, { say, quiet: () => hear(false), doing: "tagged" });
  scene.leave = () => {
    hear(false);
    intake.cancel();
  };

  const sliders = ui.row("course-sliders");
  ui.slider(sliders, { trait: "threshold", label: "Threshold", step: 0.01, text: (v) => v.toFixed(2) });
  ui.root.append(ui.status);

  let dragged = "";
  ui.drag(stage.node, (x, y, event) => {
    if (event.type === "pointerdown") dragged = x > right() + 8 ? "threshold" : "time_s";
    if (dragged === "threshold") setThreshold((x - bars()[0]) / (bars()[1] - bars()[0]));
    else ui.set("time_s", clamp((x - left) / (right() - left), 0, 1) * clip().seconds);
    ui.redraw();
  });
  const setThreshold = (value) => ui.set("threshold", Math.round(100 * clamp(value, 0.01, 0.99)) / 100);
  ui.listen(stage.node, "keydown", (event) => {
    const [later, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key] ?? [0, 0];
    if (!later && !up) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    if (up) setThreshold(model.get("threshold") + 0.01 * up * far);
    else ui.set("time_s", clamp(model.get("time_s") + clip().frame_s * later * far, 0, clip().seconds));
  });

  function renew() {
    if (model.get("_tagged").length !== model.get("_clips").length) return; // the rest is on its way
    read();
    chosen.replaceChildren(...[...clips.keys()].map((name) => make("option", { value: name }, name)));
    chosen.value = model.get("clip");
    say("");
  }
  for (const trait of ["_clips", "_samples", "_tagged", "_frames", "_levels"]) ui.watch(trait, renew);
  ui.watch("clip", () => { hear(false); say(""); });
  ui.watch("problem", () => { if (model.get("problem")) say(model.get("problem")); });
  for (const trait of ["threshold", "time_s"]) ui.watch(trait, () => say(""));
  renew();
  hear(false);
  return ui.close;
}

export default { render };
