function render({ model, el }) {
  const ui = createExplorer({ model, el }, "augmentation", "Augmentation bench");
  const { colours, scene } = ui;
  const clips = readClips(model);
  const bench = model.get("_bench");
  const CHANGES = ["speed", "rt60_s", "snr_db", "gain_db", "shift_s"];
  const MASKS = ["freq_masks", "freq_width", "time_masks", "time_width"];
  const OFF = { speed: 1, rt60_s: 0, snr_db: bench.noNoise, gain_db: 0, shift_s: 0, freq_masks: 0, time_masks: 0 };
  const get = (trait) => model.get(trait);
  const clip = () => clips.get(get("clip"));

  function change({ samples, rate }) {
    let x = Float64Array.from(samples);
    if (get("speed") !== 1) x = faster(x, get("speed"));
    if (get("rt60_s")) x = inRoom(x, roomResponse(get("rt60_s"), rate, dice(get("seed"), 1)));
    if (get("snr_db") < bench.noNoise && power(x) > 0) {
      const rng = dice(get("seed"), 2);
      const noise = x.map(() => rng.normal());
      const level = Math.sqrt(power(x) / power(noise) / 10 ** (get("snr_db") / 10));
      x = x.map((v, n) => v + level * noise[n]);
    }
    const factor = 10 ** (get("gain_db") / 20);
    const by = Math.floor(get("shift_s") * rate + 0.5);
    return Float32Array.from(x, (_, n) => factor * (x[n - by] ?? 0));
  }

  // (frames, bands) of natural logarithms, one row after the other.
  function logMel(samples, rate) {
    const [size, hop, bands] = [powerOfTwoFrom(Math.round(0.032 * rate)), Math.round(0.01 * rate), bench.mels];
    const [window, bank] = [frameWindow("hann", size, size), melBank(rate, size, bands)];
    const frames = 1 + Math.floor(samples.length / hop);
    const values = new Float32Array(frames * bands);
    const [re, im, powers] = [new Float64Array(size), new Float64Array(size), new Float64Array(size / 2 + 1)];
    for (let t = 0; t < frames; t += 1) {
      const start = t * hop - size / 2;
      re.fill(0);
      im.fill(0);
      for (let n = Math.max(0, -start); n < Math.min(size, samples.length - start); n += 1) re[n] = window[n] * samples[start + n];
      transform(size)(re, im);
      for (let k = 0; k <= size / 2; k += 1) powers[k] = re[k] ** 2 + im[k] ** 2;
      for (let m = 0; m < bands; m += 1) {
        const { first, weights } = bank[m];
        let sum = 0;
        for (let i = 0; i < weights.length; i += 1) sum += weights[i] * powers[first + i];
        values[t * bands + m] = Math.log(Math.max(sum, FLOOR));
      }
    }
    return { values, frames, bands };
  }

  function mask({ values, frames, bands }) {
    const rng = dice(get("seed"), 3);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    let cells = 0;
    const spans = (count, width, length) => Array.from({ length: count }, () => {
      const span = rng.upTo(Math.min(width, length));
      return [rng.upTo(length - span), span];
    });
    const covered = new Uint8Array(values.length);
    for (const [first, span] of spans(get("freq_masks"), get("freq_width"), bands))
      for (let t = 0; t < frames; t += 1) covered.fill(1, t * bands + first, t * bands + first + span);
    for (const [first, span] of spans(get("time_masks"), get("time_width"), frames))
      covered.fill(1, first * bands, (first + span) * bands);
    covered.forEach((is, i) => {
      if (!is) return;
      values[i] = mean;
      cells += 1;
    });
    return cells;
  }

  // Made anew when a setting has changed: the sound, then the picture, then the masks on it.
  let [before, after] = [null, null];
  function compute() {
    const name = get("clip");
    if (before?.name !== name) before = { name, ...clip(), mel: logMel(clip().samples, clip().rate) };
    const sound = [name, get("seed"), ...CHANGES.map(get)].join();
    const key = [sound, ...MASKS.map(get)].join();
    if (after?.key === key) return;
    const begin = performance.now();
    const samples = after?.sound === sound ? after.samples : change(clip());
    const mel = logMel(samples, clip().rate);
    const cells = mask(mel);
    const peak = loudestOf(samples);
    after = { key, sound, samples, mel, cells, peak, rate: clip().rate, heard: peak > 1 ? samples.map((v) => v / peak) : samples };
    after.ms = performance.now() - begin;
    ui.root.dataset.augmentMs = after.ms.toFixed(1);
    ui.root.dataset.probe = JSON.stringify({
      samples: samples.length, peak, rms: Math.sqrt(power(samples)), frames: mel.frames, cells,
      mel: mel.values.reduce((sum, v) => sum + v, 0) / mel.values.length,
    });
    player.update();
  }

  const charts = ui.row("augment-charts");
  const views = [["before", "Waveform and log-mel spectrogram of the clip as it is."],
    ["after", "Waveform and log-mel spectrogram of the changed clip. Drag to the left or right to shift the sound."]]
    .map(([name, label]) => ui.canvas(charts.appendChild(make("div")), `augment-${name}`, 290, label));
  views[1].node.classList.add("course-draggable");
  const [left, waveMiddle, waveHeight, top, bottom] = [34, 56, 36, 104, 262];

  function paint({ values, frames, bands }, loudest) {
    const image = make("canvas");
    [image.width, image.height] = [frames, bands];
    const pen = image.getContext("2d");
    const picture = pen.createImageData(frames, bands);
    for (let t = 0; t < frames; t += 1) {
      for (let m = 0; m < bands; m += 1) {
        const colour = COLOURS[clamp(Math.round((values[t * bands + m] - loudest + bench.range) / bench.range * 255), 0, 255)];
        const at = 4 * ((bands - 1 - m) * frames + t);
        [picture.data[at], picture.data[at + 1], picture.data[at + 2], picture.data[at + 3]] = [...colour, 255];
      }
    }
    pen.putImageData(picture, 0, 0);
    return image;
  }

  function drawSide(view, name, side, colour, seconds, loudest, tallest) {
    const pen = view.begin();
    const right = view.width - 8;
    const toX = (t) => left + t / seconds * (right - left);
    const end = toX(side.samples.length / side.rate);
    pen.fillStyle = colours.ink;
    pen.font = `600 ${pen.font}`;
    pen.fillText(name, left, 12);
    pen.font = pen.font.replace("600 ", "");
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    drawWave(pen, side.samples, left, end, waveMiddle, waveHeight / tallest);
    side.image ??= [];
    if (side.image[1] !== loudest) side.image = [paint(side.mel, loudest), loudest];
    pen.imageSmoothingEnabled = false;
    const half = 0.005;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, end - left, bottom - top);
    pen.clip();
    pen.drawImage(side.image[0], toX(-half), top, toX(side.mel.frames * 0.01 - half) - toX(-half), bottom - top);
    pen.restore();
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.75;
    pen.textAlign = "center";
    const step = [0.1, 0.2, 0.5, 1].find((s) => seconds / s <= 6) ?? 1;
    for (let i = 0; i * step <= seconds; i += 1) {
      line(pen, toX(i * step), bottom, toX(i * step), bottom + 4);
      pen.fillText(`${Number((i * step).toFixed(1))} s`, Math.min(toX(i * step), view.width - 14), bottom + 18);
    }
    pen.textAlign = "left";
    pen.fillText("mel bands", left, top - 5);
    pen.textAlign = "right";
    for (const band of [0, 20, 40]) pen.fillText(band, left - 6, bottom - band / bench.mels * (bottom - top) + 4);
    pen.textAlign = "left";
    pen.globalAlpha = 1;
    if (source === name) {
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      const x = toX(Math.min(player.position(), seconds));
      line(pen, x, 18, x, bottom);
    }
  }

  scene.draw = () => {
    compute();
    const seconds = Math.max(before.samples.length, after.samples.length) / after.rate;
    const loudest = Math.max(loudestIn(before.mel), loudestIn(after.mel));
    const tallest = Math.max(loudestOf(before.samples), after.peak, 1e-6);
    drawSide(views[0], "before", before, colours.blue, seconds, loudest, tallest);
    drawSide(views[1], "after", after, colours.red, seconds, loudest, tallest);
    report();
  };
  const loudestIn = (mel) => (mel.loudest ??= mel.values.reduce((a, b) => Math.max(a, b), -Infinity));

  const texts = {
    speed: (v) => (v === 1 ? "off" : `× ${v.toFixed(2)}`),
    rt60_s: (v) => (v ? `RT60 ${v.toFixed(2)} s` : "off"),
    snr_db: (v) => (v < bench.noNoise ? `SNR ${v.toFixed(0)} dB` : "off"),
    gain_db: (v) => (v ? `${v > 0 ? "+" : ""}${v.toFixed(1)} dB` : "off"),
    shift_s: (v) => (v ? `${v > 0 ? "+" : ""}${v.toFixed(2)} s` : "off"),
    freq_masks: (v) => (v ? `${v}` : "off"),
    time_masks: (v) => (v ? `${v}` : "off"),
    freq_width: (v) => `up to ${v} bands`,
    time_width: (v) => `up to ${v} frames`,
  };
  const figures = ui.figures();
  function report() {
    const [was, is] = [Math.sqrt(power(before.samples)), Math.sqrt(power(after.samples))];
    const louder = 20 * Math.log10(Math.max(is, 1e-9) / Math.max(was, 1e-9));
    const share = 100 * after.cells / after.mel.values.length;
    figures([
      ["duration", `${(before.samples.length / before.rate).toFixed(2)} → ${(after.samples.length / after.rate).toFixed(2)} s`],
      ["level", `${louder > -0.05 ? "+" : ""}${Math.abs(louder) < 0.05 ? "0.0" : louder.toFixed(1)} dB`],
      ["masked", `${share.toFixed(0)} %`],
      ["computed in", `${after.ms.toFixed(1)} ms`],
    ]);
    const on = Object.keys(OFF).filter((trait) => get(trait) !== OFF[trait]);
    const names = { speed: "speed", rt60_s: "room", snr_db: "noise", gain_db: "gain", shift_s: "shift", freq_masks: "frequency masks", time_masks: "time masks" };
    ui.tell(`${clip().note}${on.length ? `Changed: ${on.map((trait) => (trait.endsWith("masks") ? `${get(trait)} ${names[trait]}` : `${names[trait]} ${texts[trait](get(trait))}`)).join(", ")}.` : "Nothing is switched on: after is before."} ` +
      `${after.cells ? `The masks hide ${share.toFixed(0)} % of the picture; they are not heard. ` : ""}` +
      `${after.peak > 1 ? `The changed sound would peak ${(20 * Math.log10(after.peak)).toFixed(1)} dB above full scale and is played that much softer.` : ""}`);
  }

  let source = "none";
  const player = createPlayer(ui.root, () => (source === "after" ? { samples: after.heard, rate: after.rate } : clip()), () => hear("none"));
  function hear(wanted) {
    source = wanted;
    if (wanted === "none") player.stop();
    else if (player.isOn()) player.update();
    else player.start(0);
    ui.play(wanted !== "none");
    ui.root.dataset.source = wanted;
    for (const [node, key] of choices) {
      node.textContent = source === key ? `■ Stop ${key}` : `▶ Hear ${key}`;
      node.setAttribute("aria-pressed", source === key);
    }
  }
  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "clip", label: "Clip", options: [...clips.keys()].map((name) => [name, name]) });
  const choices = ["before", "after"].map((key) =>
    [ui.button(buttons, `hear-${key}`, "", () => hear(source === key ? "none" : key)), key]);
  scene.leave = () => hear("none");
  ui.button(buttons, "again", "Draw again", () => ui.set("seed", (get("seed") + 1) % 1000));
  ui.button(buttons, "off", "All off", () => Object.entries(OFF).forEach(([trait, value]) => ui.set(trait, value)));

  const sliders = ui.row("course-sliders");
  const rows = [["speed", "Speed", 0.01], ["rt60_s", "Room", 0.01], ["snr_db", "Noise", 1], ["gain_db", "Gain", 0.5],
    ["shift_s", "Shift", 0.01], ["freq_masks", "Frequency masks", 1], ["freq_width", "their width", 1],
    ["time_masks", "Time masks", 1], ["time_width", "their width", 1]];
  for (const [trait, label, step] of rows) {
    // Left of the shortest room the slider stands on "off"; noise grows to the right.
    const room = { toPosition: (v) => v || 0.04, toValue: (p) => (p < 0.045 ? 0 : Number(p.toFixed(2))) };
    const noise = { toPosition: (v) => -v, toValue: (p) => -p };
    const plain = { toValue: (p) => Number(p.toFixed(2)) };
    const name = label === "their width" ? `Width of ${trait === "freq_width" ? "frequency" : "time"} masks` : label;
    ui.slider(sliders, { trait, label: name, step, text: texts[trait], ...(trait === "rt60_s" ? room : trait === "snr_db" ? noise : plain) });
  }
  ui.root.append(ui.status);

  // Dragging the picture takes the sound along.
  let grip = 0;
  ui.drag(views[1].node, (x, _, event) => {
    const span = views[1].width - 8 - left;
    const seconds = Math.max(before.samples.length, after.samples.length) / after.rate;
    if (event.type === "pointerdown") grip = get("shift_s") - x / span * seconds;
    const [low, high] = get("_limits").shift_s;
    ui.set("shift_s", Number(clamp(grip + x / span * seconds, low, high).toFixed(2)));
  });

  for (const trait of ["seed", ...CHANGES, ...MASKS]) ui.watch(trait, ui.redraw);
  ui.watch("clip", () => {
    hear("none");
    ui.redraw();
  });
  hear("none");
  return ui.close;
}

export default { render };
