// What a recogniser made of a sound, as Python sent it, and its picture on one time axis.

// null without a text. `p(t, token)` is a probability, `rows` the tokens that are shown.
function readHeard(model, clips) {
  const heard = { ...model.get("_heard") };
  const sound = clips.get(heard.clip);
  if (!heard.frames || !sound) return null;
  const copy = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const [size, outside] = [model.get("_names").length, model.get("_outside")];
  const values = new Uint16Array(copy(model.get("_p")));
  if (values.length !== heard.frames * size) return null;
  heard.p = (t, token) => values[t * size + token] / 65535;
  const peak = (token) => {
    let most = 0;
    for (let t = 0; t < heard.frames; t += 1) most = Math.max(most, heard.p(t, token));
    return most;
  };
  const found = Array.from({ length: size - 1 }, (_, i) => [i + 1, peak(i + 1)])
    .filter(([, most]) => most >= outside.shown).sort((a, b) => b[1] - a[1]);
  heard.rows = found.slice(0, outside.most_rows).map(([token]) => token).sort((a, b) => a - b);
  heard.least = outside.shown;
  heard.hidden = size - 1 - heard.rows.length;
  heard.top = (t, count) => Array.from({ length: size }, (_, token) => [token, heard.p(t, token)])
    .sort((a, b) => b[1] - a[1]).slice(0, count);
  // The sound that the recogniser got.
  heard.sound = sound;
  if (heard.unit) {
    const noisy = new Int16Array(copy(model.get("_noisy")));
    heard.sound = { ...sound, samples: Float32Array.from(noisy, (v) => v * heard.unit) };
  }
  const levels = new Uint8Array(copy(model.get("_levels")));
  const [steps, bands] = heard.steps;
  heard.image = make("canvas", { width: steps, height: bands });
  const pen = heard.image.getContext("2d");
  const pixels = pen.createImageData(steps, bands);
  for (let x = 0; x < steps; x += 1) {
    for (let row = 0; row < bands; row += 1)
      pixels.data.set([...COLOURS[levels[x * bands + row]], 255], 4 * ((bands - 1 - row) * steps + x));
  }
  pen.putImageData(pixels, 0, 0);
  return heard;
}

// Where what lies: the rows of the picture from top to bottom. `tall` is what the rows of tokens had at
// most, so that the picture does not jump while they come and go.
function layOut(heard, tall) {
  const count = heard ? heard.rows.length + 1 : 1;
  const row = clamp(Math.floor(280 / count), 11, 20);
  const at = { image: 18, high: 96, row };
  at.lanes = at.image + at.high + 20;
  at.tall = Math.max(tall, row * count);
  at.path = at.lanes + at.tall + 20;
  at.text = at.path + 20 + 4;
  at.axis = at.text + 50;
  at.bottom = at.axis + 34;
  return at;
}

// `now` is the playing position in seconds or null, `t` the frame that is looked at.
function drawTranscript(pen, heard, at, { names, colours, left, right, font, t, now }) {
  const seconds = heard.sound.seconds;
  const toX = (s) => left + clamp(s / seconds, 0, 1) * (right - left);
  const start = (frame) => toX((frame - 0.5) * heard.frame_s);
  const wide = heard.frame_s / seconds * (right - left);
  const label = (text, y, bold = false, size = 12) => {
    pen.font = `${bold ? "bold " : ""}${size}px ${font}`;
    pen.textAlign = "right";
    pen.fillText(text, left - 8, y);
  };
  const title = (text, y) => {
    pen.font = `12px ${font}`;
    pen.textAlign = "left";
    pen.globalAlpha = 0.8;
    // What has no room is left out from its end.
    let shown = text;
    while (pen.measureText(shown).width > right - left && shown.includes(",")) shown = shown.slice(0, shown.lastIndexOf(","));
    pen.fillText(shown, left, y, right - left);
    pen.globalAlpha = 1;
  };
  pen.fillStyle = pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;

  // The frame that is looked at, behind everything.
  pen.globalAlpha = 0.12;
  pen.fillRect(start(t), at.lanes - 2, Math.max(2, start(t + 1) - start(t)), at.axis - at.lanes + 2);
  pen.globalAlpha = 1;

  title("mel spectrogram, as the recogniser gets it", at.image - 6);
  pen.imageSmoothingEnabled = false;
  const step = heard.step_s;
  pen.save();
  pen.beginPath();
  pen.rect(left, at.image, right - left, at.high);
  pen.clip();
  const from = left - 0.5 * step / seconds * (right - left);
  pen.drawImage(heard.image, from, at.image, heard.steps[0] * step / seconds * (right - left), at.high);
  pen.restore();

  const rest = heard.hidden ? `, ${heard.hidden} others stay below ${heard.least}` : "";
  title(`probability of each token in each frame, a full row is 1${rest}`, at.lanes - 6);
  [...heard.rows, 0].forEach((token, i) => {
    const base = at.lanes + at.row * (i + 1);
    const room = at.row - 2;
    pen.globalAlpha = 0.18;
    line(pen, left, base - 0.5, right, base - 0.5);
    pen.globalAlpha = token ? 1 : 0.45;
    pen.fillStyle = token ? colours.blue : colours.ink;
    for (let frame = 0; frame < heard.frames; frame += 1) {
      const tall = heard.p(frame, token) * room;
      if (tall < 0.3) continue;
      const x = start(frame);
      pen.fillRect(x, base - 1 - tall, Math.max(1, start(frame + 1) - x - (wide > 4 ? 1 : 0)), tall);
    }
    pen.fillStyle = colours.ink;
    pen.globalAlpha = token ? 1 : 0.8;
    const strong = heard.p(t, token) >= 0.5;
    label(names[token], base - Math.max(2, (at.row - 10) / 2), strong && token, Math.min(12, at.row));
  });
  pen.globalAlpha = 1;

  // The best token of each frame: a new one strong, its repeats pale, blanks as dots.
  title("best token of each frame: framed where it begins, pale where it repeats, a dot for the blank", at.path - 6);
  label("path", at.path + 13);
  let frame = 0;
  while (frame < heard.frames) {
    const token = heard.path[frame];
    let end = frame + 1;
    while (end < heard.frames && heard.path[end] === token) end += 1;
    for (let k = frame; k < end; k += 1) {
      const [x1, x2] = [start(k), start(k + 1)];
      if (!token) {
        if (wide < 3 && k % 2) continue;
        pen.fillStyle = colours.ink;
        pen.globalAlpha = 0.4;
        dot(pen, (x1 + x2) / 2, at.path + 9, Math.min(1.5, wide / 4));
        continue;
      }
      pen.fillStyle = pen.strokeStyle = colours.blue;
      pen.globalAlpha = k === frame ? 0.35 : 0.14;
      pen.fillRect(x1, at.path, x2 - x1, 18);
      pen.globalAlpha = k === frame ? 1 : 0.35;
      if (k === frame || wide >= 4) pen.strokeRect(x1 + 0.5, at.path + 0.5, x2 - x1 - 1, 17);
    }
    if (token) {
      // The name, where it has room before the next token.
      let free = end;
      while (free < heard.frames && !heard.path[free]) free += 1;
      pen.font = `12px ${font}`;
      pen.fillStyle = colours.ink;
      pen.globalAlpha = 1;
      const need = pen.measureText(names[token]).width;
      pen.textAlign = "center";
      if (need <= wide + 2) pen.fillText(names[token], start(frame) + wide / 2, at.path + 13);
      else if (need <= start(free) - start(frame) - 3) {
        pen.textAlign = "left";
        pen.fillText(names[token], start(frame) + 2, at.path + 13);
      }
    }
    frame = end;
  }
  pen.globalAlpha = 1;

  // The text: each token under its frames, on the first of three lines that has room there.
  label("text", at.text + 15, true);
  const ends = [-Infinity, -Infinity, -Infinity];
  for (const [token, first, past] of heard.spans) {
    const [x1, x2] = [start(first), start(past)];
    const middle = (x1 + x2) / 2;
    const later = now !== null && (first - 0.5) * heard.frame_s > now;
    const here = t >= first && t < past;
    pen.font = `${here ? "bold " : ""}${wide < 10 ? 12 : 14}px ${font}`;
    const half = pen.measureText(names[token]).width / 2;
    let level = ends.findIndex((x) => x <= middle - half);
    if (level < 0) level = ends.indexOf(Math.min(...ends));
    ends[level] = middle + half;
    pen.globalAlpha = later ? 0.3 : 1;
    pen.fillStyle = pen.strokeStyle = colours.red;
    pen.fillRect(x1, at.text, Math.max(2, x2 - x1 - 1), 3);
    pen.fillStyle = pen.strokeStyle = colours.ink;
    if (level) {
      pen.globalAlpha *= 0.4;
      line(pen, middle, at.text + 3, middle, at.text + 4 + 15 * level);
      pen.globalAlpha = later ? 0.3 : 1;
    }
    pen.textAlign = "center";
    pen.fillText(names[token], clamp(middle, left + half, right - half), at.text + 16 + 15 * level);
  }
  pen.globalAlpha = 1;

  pen.strokeStyle = pen.fillStyle = colours.ink;
  pen.font = `12px ${font}`;
  pen.textAlign = "center";
  line(pen, left, at.axis + 0.5, right, at.axis + 0.5);
  const each = [0.1, 0.2, 0.5, 1, 2, 5].find((s) => s / seconds * (right - left) >= 44) ?? 10;
  for (let k = 0; k * each <= seconds + 1e-9; k += 1) {
    line(pen, toX(k * each), at.axis, toX(k * each), at.axis + 4);
    pen.fillText(each < 1 ? (k * each).toFixed(1) : `${k * each}`, toX(k * each), at.axis + 17);
  }
  pen.fillText("time in s", (left + right) / 2, at.axis + 31);

  // The cursor.
  const x = toX(now ?? t * heard.frame_s);
  for (const [colour, width] of [["#000", 3], [now === null ? "#fff" : colours.red, 1.5]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.globalAlpha = colour === "#000" ? 0.4 : 1;
    line(pen, x, at.image, x, at.image + at.high);
  }
  pen.strokeStyle = now === null ? colours.ink : colours.red;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.7;
  line(pen, x, at.lanes - 2, x, at.axis);
  pen.globalAlpha = 1;
}
