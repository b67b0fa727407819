function render({ model, el }) {
  const ui = createExplorer({ model, el }, "spectrogram", "Spectrogram explorer");
  const { colours, scene } = ui;
  const clips = readClips(model);
  const limits = model.get("_limits");
  const clip = () => clips.get(model.get("clip"));

  // The settings, and what follows from them.
  let plan = null;
  function makePlan() {
    const [win, hop, size, name, bands] = ["win_length", "hop_length", "n_fft", "window", "n_mels"].map((t) => model.get(t));
    const key = [model.get("clip"), win, hop, size, name, bands].join();
    if (plan?.key === key) return;
    const { samples, rate, seconds } = clip();
    const bins = size / 2 + 1;
    const bank = bands ? melBank(rate, size, bands) : null;
    const highest = toMel(rate / 2);
    plan = {
      key, win, hop, size, bands, bins, samples, rate, seconds, bank, rows: bands || bins,
      re: new Float64Array(size), im: new Float64Array(size),
      frames: 1 + Math.floor(samples.length / hop), window: frameWindow(name, win, size),
      empty: bank ? bank.filter(({ weights }) => !weights.some((w) => w > FLOOR)).length : 0,
      // A frequency's bin or band, with a fraction, and back.
      toRow: (f) => (bands ? toMel(f) / highest * (bands + 1) - 1 : f * size / rate),
      toHz: (row) => (bands ? fromMel((row + 1) / (bands + 1) * highest) : row * rate / size),
    };
  }

  // Powers of two frames at once: one as the real, one as the imaginary part of a single transform.
  function powers(one, two, first, second) {
    const { size, hop, window, samples, bins, re, im } = plan;
    for (const [part, frame] of [[re, one], [im, two]]) {
      const start = frame * hop - size / 2;
      part.fill(0);
      for (let n = Math.max(0, -start); n < Math.min(size, samples.length - start); n += 1)
        part[n] = window[n] * samples[start + n];
    }
    transform(size)(re, im);
    for (let k = 0; k < bins; k += 1) {
      const mirror = k && size - k;
      first[k] = ((re[k] + re[mirror]) ** 2 + (im[k] - im[mirror]) ** 2) / 4;
      second[k] = ((im[k] + im[mirror]) ** 2 + (re[mirror] - re[k]) ** 2) / 4;
    }
  }
  function band({ first, weights }, power) {
    let sum = 0;
    for (let i = 0; i < weights.length; i += 1) sum += weights[i] * power[first + i];
    return sum;
  }

  // The levels of those frames only that the picture has pixels for; where a pixel holds several bins,
  // the loudest of them. Mel bands are fewer than pixels.
  let levels = null;
  function compute(wide, high) {
    const key = [plan.key, wide, high].join();
    if (levels?.key === key) return;
    const begin = performance.now();
    const rows = Math.min(plan.rows, high);
    const frameAt = Int32Array.from({ length: wide }, (_, x) =>
      clamp(Math.round((x + 0.5) / wide * plan.samples.length / plan.hop), 0, plan.frames - 1));
    const wanted = [...new Set(frameAt)];
    const values = new Float32Array(wanted.length * rows);
    const pair = [new Float64Array(plan.bins), new Float64Array(plan.bins)];
    const edges = Int32Array.from({ length: rows + 1 }, (_, row) => Math.floor(row * plan.rows / rows));
    const loudestOf = (power, from, to) => {
      let most = 0;
      for (let k = from; k < to; k += 1) if (power[k] > most) most = power[k];
      return most;
    };
    let loudest = -Infinity;
    for (let i = 0; i < wanted.length; i += 2) {
      powers(wanted[i], wanted[i + 1] ?? wanted[i], ...pair);
      for (let j = 0; j < 2 && i + j < wanted.length; j += 1) {
        for (let row = 0; row < rows; row += 1) {
          const level = toDecibels(plan.bank ? band(plan.bank[row], pair[j]) : loudestOf(pair[j], edges[row], edges[row + 1]));
          values[(i + j) * rows + row] = level;
          loudest = Math.max(loudest, level);
        }
      }
    }
    levels = { key, rows, frameAt, wanted, values, loudest, range: null, wide };
    paint();
    ui.root.dataset.stftMs = levels.ms = (performance.now() - begin).toFixed(1);
  }

  const image = make("canvas");
  function paint() {
    const { rows, frameAt, wanted, values, loudest, wide } = levels;
    const range = model.get("range_db");
    if (levels.range === range) return;
    levels.range = range;
    [image.width, image.height] = [wide, rows];
    const pen = image.getContext("2d");
    const picture = pen.createImageData(wide, rows);
    const column = new Map(wanted.map((frame, i) => [frame, i]));
    for (let x = 0; x < wide; x += 1) {
      const base = column.get(frameAt[x]) * rows;
      for (let row = 0; row < rows; row += 1) {
        const colour = COLOURS[clamp(Math.round((values[base + row] - loudest + range) / range * 255), 0, 255)];
        const at = 4 * ((rows - 1 - row) * wide + x);
        picture.data[at] = colour[0];
        picture.data[at + 1] = colour[1];
        picture.data[at + 2] = colour[2];
        picture.data[at + 3] = 255;
      }
    }
    pen.putImageData(picture, 0, 0);
  }

  // The frame and the bin or band nearest to the cross-hair.
  function probe() {
    const frame = clamp(Math.floor(model.get("time_s") * plan.rate / plan.hop + 0.5), 0, plan.frames - 1);
    const row = clamp(Math.round(plan.toRow(model.get("frequency_hz"))), 0, plan.rows - 1);
    const [power, unused] = [new Float64Array(plan.bins), new Float64Array(plan.bins)];
    powers(frame, frame, power, unused);
    const db = toDecibels(plan.bank ? band(plan.bank[row], power) : power[row]);
    return { time: frame * plan.hop / plan.rate, hz: plan.toHz(row), db, frame, row };
  }

  const stage = ui.canvas(ui.root, "spectrogram-canvas", 430,
    "Waveform, and below it the spectrogram on the same time axis. Arrow keys move the cross-hair, with Shift ten times as far.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const [left, right] = [48, () => stage.width - 62];
  const [waveMiddle, waveHeight, top, bottom] = [50, 36, 100, 392];
  const toX = (t) => left + t / plan.seconds * (right() - left);
  const toY = (row) => bottom - (row + 0.5) / plan.rows * (bottom - top);

  function drawAxes(pen) {
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.75;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5].find((s) => plan.seconds / s <= 9);
    for (let i = 0; i * step <= plan.seconds; i += 1) {
      line(pen, toX(i * step), bottom, toX(i * step), bottom + 4);
      pen.fillText(`${Number((i * step).toFixed(2))} s`, toX(i * step), bottom + 18);
    }
    pen.textAlign = "right";
    let free = Infinity;
    for (const f of [0, 250, 500, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 15_000, 20_000]) {
      const y = toY(plan.toRow(f));
      if (y < top || y > bottom + 3 || y > free) continue;
      free = y - 17;
      line(pen, left - 4, y, left, y);
      pen.fillText(f < 1000 ? `${f} Hz` : `${f / 1000} kHz`, left - 7, y + 4);
    }
    pen.textAlign = "left";
    // The colours' meaning.
    const x = right() + 8;
    const gradient = pen.createLinearGradient(0, bottom, 0, top);
    COLOURS.forEach(([r, g, b], i) => gradient.addColorStop(i / 255, `rgb(${r},${g},${b})`));
    pen.globalAlpha = 1;
    pen.fillStyle = gradient;
    pen.fillRect(x, top, 10, bottom - top);
    pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.75;
    for (const part of [0, 0.5, 1])
      pen.fillText(`${Math.round(levels.loudest - part * levels.range)}${part ? "" : " dB"}`, x + 14, top + 9 + part * (bottom - top - 9));
  }

  // The window, to scale, over the waveform at the cursor.
  function drawWindow(pen, time) {
    const length = plan.win / plan.rate;
    const from = (plan.size - plan.win) / 2;
    pen.beginPath();
    pen.moveTo(toX(time - length / 2), waveMiddle + waveHeight);
    for (let i = 0; i <= 100; i += 1) {
      const weight = plan.window[Math.min(Math.floor(from + i / 100 * plan.win), Math.ceil(from) + plan.win - 1)];
      pen.lineTo(toX(time + (i / 100 - 0.5) * length), waveMiddle + waveHeight - 2 * waveHeight * weight);
    }
    pen.lineTo(toX(time + length / 2), waveMiddle + waveHeight);
    pen.fillStyle = pen.strokeStyle = colours.red;
    pen.globalAlpha = 0.25;
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = 1.5;
    pen.stroke();
  }

  scene.draw = () => {
    makePlan();
    const [wide, high] = [Math.max(1, Math.round(right() - left)), bottom - top];
    compute(wide, high);
    paint();
    const found = probe();
    const pen = stage.begin();
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.75;
    pen.fillText("waveform, and the window in its true length", left, 11);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.blue;
    pen.lineWidth = 1;
    const loudest = plan.samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    drawWave(pen, plan.samples, left, right(), waveMiddle, waveHeight / loudest);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, left, top, wide, high);
    drawAxes(pen);

    const playing = player.isOn() ? Math.min(player.position(), plan.seconds) : null;
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, right() - left, bottom);
    pen.clip();
    drawWindow(pen, playing ?? found.time);
    pen.restore();
    // Dark under light, to be seen on any colour.
    const [x, y] = [toX(found.time), toY(found.row)];
    for (const [colour, width] of [["#000", 3], ["#fff", 1]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.globalAlpha = colour === "#000" ? 0.5 : 1;
      line(pen, x, top, x, bottom);
      line(pen, left, y, right(), y);
      pen.beginPath();
      pen.arc(x, y, 5, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (playing !== null) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.red;
      pen.lineWidth = 2.5;
      line(pen, toX(playing), 16, toX(playing), bottom);
    }
    report(found);
  };

  const figures = ui.figures();
  function report({ time, hz, db }) {
    ui.root.dataset.probe = JSON.stringify({ time, hz, db });
    const ms = (samples) => `${(1000 * samples / plan.rate).toFixed(1)} ms`;
    const below = Math.max(0, levels.loudest - db).toFixed(1);
    figures([
      ["time", `${time.toFixed(3)} s`],
      ["frequency", hertz(hz)],
      ["level", `${db.toFixed(1)} dB, ${below} below the loudest`],
      ["window", ms(plan.win)],
      ["rate / window", `${(plan.rate / plan.win).toFixed(1)} Hz`],
      ["bins every", `${(plan.rate / plan.size).toFixed(1)} Hz`],
      ["picture of", `${plan.frames} frames × ${plan.rows} ${plan.bands ? "bands" : "bins"}`],
      ["computed in", `${levels.ms} ms`],
    ]);
    const empty = plan.empty ? `${plan.empty} of ${plan.bands} mel bands hold no bin and stay empty: fewer bands or a larger n_fft. ` : "";
    ui.tell(`${clip().note}${empty}A window of ${ms(plan.win)} tells apart what is about ${ms(plan.win)} apart in time and ` +
      `${(plan.rate / plan.win).toFixed(0)} Hz in frequency${plan.size > plan.win ? "; zeros bring bins closer together, but no finer detail" : ""}. ` +
      `At ${time.toFixed(3)} s and ${hertz(hz)}: ${db.toFixed(1)} dB, ${below} dB below the loudest.`);
  }

  // The window fits into a frame, and no hop jumps over samples: the rule of the Python side.
  function setLength(trait, value) {
    let [win, hop, size] = ["win_length", "hop_length", "n_fft"].map((t) => (t === trait ? value : model.get(t)));
    if (trait === "n_fft") win = Math.min(win, size);
    if (trait === "hop_length") win = Math.max(win, hop);
    ui.set("n_fft", Math.max(size, powerOfTwoFrom(win)));
    ui.set("win_length", win);
    ui.set("hop_length", Math.min(hop, win));
  }

  const player = createPlayer(ui.root, clip, () => hear(false));
  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "clip", label: "Clip", options: [...clips.keys()].map((name) => [name, name]) });
  const hearButton = ui.button(buttons, "hear", "", () => hear(!player.isOn()));
  function hear(wanted) {
    if (wanted) player.start(model.get("time_s") < clip().seconds - 0.1 ? model.get("time_s") : 0);
    else player.stop();
    ui.play(wanted);
    hearButton.textContent = wanted ? "■ Stop" : "▶ Hear from the cross-hair on";
    hearButton.setAttribute("aria-pressed", wanted);
  }
  scene.leave = () => hear(false);
  ui.select(buttons, { trait: "window", label: "Window", options: Object.keys(WINDOWS).map((name) => [name, name]) });

  const sliders = ui.row("course-sliders");
  const inTime = (v) => `${v} samples, ${(1000 * v / clip().rate).toFixed(1)} ms`;
  const lengths = [["win_length", "Window", 4], ["hop_length", "Hop", 4], ["n_fft", "n_fft", 1]];
  for (const [trait, label, perOctave] of lengths) {
    const input = ui.slider(sliders, {
      trait, label, step: 1, text: inTime,
      toPosition: (v) => perOctave * Math.log2(v), toValue: (p) => Math.round(2 ** (p / perOctave)),
    });
    // After the slider's own handler has set the one length, the others follow.
    ui.listen(input, "input", () => setLength(trait, model.get(trait)));
  }
  ui.slider(sliders, { trait: "n_mels", label: "Mel bands", step: 1, text: (v) => (v ? `${v}` : "none: linear axis") });
  ui.slider(sliders, { trait: "range_db", label: "Range shown", step: 1, text: (v) => `${v} dB` });
  ui.root.append(ui.status);

  function moveTo(time, frequency) {
    ui.set("time_s", clamp(time, 0, plan.seconds));
    ui.set("frequency_hz", clamp(frequency, 0, plan.rate / 2));
  }
  ui.drag(stage.node, (x, y) => {
    const time = (x - left) / (right() - left) * plan.seconds;
    const row = (bottom - y) / (bottom - top) * plan.rows - 0.5;
    moveTo(time, y < top ? model.get("frequency_hz") : plan.toHz(Math.max(row, 0)));
  });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1], PageDown: [0, -10], PageUp: [0, 10] };
  ui.listen(stage.node, "keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [later, up] = moves[event.key].map((by) => by * (event.shiftKey ? 10 : 1));
    const { frame, row } = probe();
    moveTo(clamp(frame + later, 0, plan.frames - 1) * plan.hop / plan.rate, plan.toHz(clamp(row + up, 0, plan.rows - 1)));
  });

  for (const trait of ["win_length", "hop_length", "n_fft", "window", "n_mels", "range_db", "time_s", "frequency_hz"])
    ui.watch(trait, ui.redraw);
  ui.watch("clip", () => hear(false));
  hear(false);
  return ui.close;
}

export default { render };
