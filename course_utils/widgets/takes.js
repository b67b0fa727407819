// The pictures of a take: its level while it is recorded, its waveform between the ends of the trim, and
// the words of each reader at their times.

const LOWEST_DB = -60;
const CLIPPED = 0.99;
const LANE = 62;

const takeHeight = (lanes) => 172 + LANE * lanes;
const decibels = (v) => Math.max(LOWEST_DB, 20 * Math.log10(Math.max(v, 1e-6)));

// Level and peak of what comes in, and what the whole take looks like so far.
function createLevel() {
  const level = { rms: 0, peak: 0, clipped: 0, loudest: 0, seconds: 0, columns: [] };
  level.hear = (samples, rate) => {
    let [sum, top, low, high] = [0, 0, 0, 0];
    for (const v of samples) {
      sum += v * v;
      if (v < low) low = v;
      if (v > high) high = v;
      if (Math.abs(v) >= CLIPPED) level.clipped += 1;
    }
    top = Math.max(high, -low);
    // The bar falls slowly, so that it can be read.
    level.rms = Math.max(Math.sqrt(sum / samples.length), 0.94 * level.rms);
    level.peak = Math.max(top, 0.995 * level.peak);
    level.loudest = Math.max(level.loudest, top);
    level.columns.push([level.seconds, low, high]);
    level.seconds += samples.length / rate;
  };
  return level;
}

// The meter: a bar from -60 to 0 dB of full scale, a line at the recent peak, and the clipping light: `hot` is
// true, false, or null while nothing is recorded.
function drawMeter(pen, width, level, hot, { colours, font }) {
  const [left, right, top, high] = [10, width - 108, 4, 14];
  const toX = (db) => left + (1 - db / LOWEST_DB) * (right - left);
  pen.fillStyle = pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.1;
  pen.fillRect(left, top, right - left, high);
  pen.globalAlpha = 0.8;
  pen.font = `11px ${font}`;
  for (let db = LOWEST_DB; db <= 0; db += 12) {
    line(pen, toX(db) + 0.5, top + high, toX(db) + 0.5, top + high + 4);
    pen.textAlign = db === LOWEST_DB ? "left" : db ? "center" : "right";
    pen.fillText(db ? `−${-db}` : "0 dB", toX(db), top + high + 15);
  }
  // Where speech should be.
  pen.globalAlpha = 0.35;
  pen.strokeRect(toX(-30) + 0.5, top - 1.5, toX(-6) - toX(-30), high + 3);
  pen.globalAlpha = 1;
  if (level) {
    pen.fillStyle = colours.blue;
    pen.fillRect(left, top + 2, Math.max(0, toX(decibels(level.rms)) - left), high - 4);
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2;
    const x = toX(decibels(level.peak));
    if (level.peak > 0) line(pen, x, top, x, top + high);
  }
  pen.globalAlpha = 0.8;
  pen.fillStyle = colours.ink;
  pen.textAlign = "center";
  pen.fillText("speech", toX(-18), top + 11);
  pen.lineWidth = 1.5;
  pen.strokeStyle = pen.fillStyle = hot ? colours.red : colours.ink;
  pen.globalAlpha = hot ? 1 : 0.6;
  pen.beginPath();
  pen.arc(right + 22, top + high / 2, 6, 0, 2 * Math.PI);
  if (hot) pen.fill();
  pen.stroke();
  pen.fillStyle = colours.ink;
  pen.textAlign = "left";
  pen.font = `${hot ? "bold " : ""}12px ${font}`;
  pen.fillText(hot ? "clipped" : hot === false ? "not clipped" : "clipping", right + 34, top + high / 2 + 4);
  pen.globalAlpha = 1;
}

function drawAxis(pen, y, seconds, left, right, colours) {
  const toX = (s) => left + s / seconds * (right - left);
  pen.strokeStyle = pen.fillStyle = colours.ink;
  pen.globalAlpha = 0.9;
  pen.lineWidth = 1;
  pen.textAlign = "center";
  line(pen, left, y + 0.5, right, y + 0.5);
  const each = [0.1, 0.2, 0.5, 1, 2, 5].find((s) => s / seconds * (right - left) >= 44) ?? 10;
  for (let k = 0; k * each <= seconds + 1e-9; k += 1) {
    const x = clamp(toX(k * each), left + 0.5, right - 0.5);
    line(pen, x, y, x, y + 4);
    pen.fillText(each < 1 ? (k * each).toFixed(1) : `${k * each}`, clamp(x, left + 8, right - 8), y + 17);
  }
  pen.globalAlpha = 1;
}

// While it is recorded.
function drawLive(pen, level, longest_s, { colours, left, right }) {
  const [middle, scale] = [78, 58];
  const toX = (s) => left + Math.min(1, s / longest_s) * (right - left);
  pen.strokeStyle = colours.ink;
  pen.globalAlpha = 0.3;
  line(pen, left, middle, right, middle);
  pen.globalAlpha = 1;
  pen.strokeStyle = colours.blue;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const [s, low, high] of level.columns) {
    pen.moveTo(toX(s), middle - scale * clamp(low, -1, 1) + 0.5);
    pen.lineTo(toX(s), middle - scale * clamp(high, -1, 1) - 0.5);
  }
  pen.stroke();
  pen.strokeStyle = colours.red;
  pen.lineWidth = 1.5;
  line(pen, toX(level.seconds), 20, toX(level.seconds), 138);
  drawAxis(pen, 138, longest_s, left, right, colours);
}

// `text` as it fits, with an ellipsis where it does not.
function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let kept = text.length - 1;
  while (kept > 0 && pen.measureText(`${text.slice(0, kept)}…`).width > room) kept -= 1;
  return kept ? `${text.slice(0, kept)}…` : "";
}

// A take: what is outside the trim is pale, each end is a line with a grip.
function drawTake(pen, take, { colours, left, right, font, lanes, now, stale }) {
  const { samples, seconds, trim } = take;
  const [top, bottom, middle] = [20, 138, 79];
  const toX = (s) => left + clamp(s / seconds, 0, 1) * (right - left);
  let loudest = 0.05; // a soft take is drawn larger, but not its noise
  for (const v of samples) loudest = Math.max(loudest, Math.abs(v));
  const scale = 56 / Math.min(1, loudest);
  const [x1, x2] = [toX(trim[0]), toX(trim[1])];
  const wave = () => drawWave(pen, samples, left, right, middle, scale);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.25;
  line(pen, left, middle, right, middle);
  pen.globalAlpha = 0.3;
  wave();
  pen.save();
  pen.beginPath();
  pen.rect(x1, top, x2 - x1, bottom - top);
  pen.clip();
  pen.clearRect(x1, top, x2 - x1, bottom - top);
  pen.globalAlpha = 0.25;
  line(pen, left, middle, right, middle);
  pen.globalAlpha = 1;
  pen.strokeStyle = colours.blue;
  wave();
  pen.restore();
  pen.globalAlpha = 0.07;
  pen.fillStyle = colours.ink;
  pen.fillRect(left, top, x1 - left, bottom - top);
  pen.fillRect(x2, top, right - x2, bottom - top);
  pen.globalAlpha = 1;
  // Where it is clipped.
  pen.fillStyle = colours.red;
  if (take.clipped) {
    for (let n = 0; n < samples.length; n += 1)
      if (Math.abs(samples[n]) >= take.flat) pen.fillRect(toX(n / take.rate) - 0.75, top - 4, 1.5, 5);
  }
  pen.strokeStyle = pen.fillStyle = colours.red;
  pen.lineWidth = 2;
  pen.font = `12px ${font}`;
  [x1, x2].forEach((x, i) => {
    line(pen, x, top - 2, x, bottom);
    const side = i ? 1 : -1; // the grip points away from what is used
    pen.beginPath();
    pen.moveTo(x, bottom - 16);
    pen.lineTo(x + 9 * side, bottom - 8);
    pen.lineTo(x, bottom);
    pen.fill();
    pen.fillStyle = colours.ink;
    const text = `${trim[i].toFixed(2)} s`;
    const wide = pen.measureText(text).width;
    pen.textAlign = "left";
    pen.fillText(text, clamp(i ? x + 4 : x - wide - 4, left, right - wide), top - 7);
    pen.fillStyle = colours.red;
  });
  drawAxis(pen, bottom, seconds, left, right, colours);
  pen.fillText("time in s", (left + right) / 2, bottom + 30);
  lanes.forEach((lane, row) => drawLane(pen, lane, row, take, { colours, left, right, font, stale, toX }));
  if (now !== null) {
    pen.strokeStyle = colours.red;
    pen.lineWidth = 1.5;
    line(pen, toX(now), top, toX(now), takeHeight(lanes.length) - 4);
  }
}

// One reader: its words in boxes, the more confident the stronger, dashed under one half.
function drawLane(pen, lane, row, take, { colours, left, right, font, stale, toX }) {
  const y = takeHeight(row) + 2;
  pen.globalAlpha = stale ? 0.4 : 1;
  pen.fillStyle = colours.ink;
  pen.textAlign = "left";
  pen.font = `12px ${font}`;
  const said = { waiting: "reads …", failed: "gave up", done: lane.words?.length ? "reads" : "reads nothing" };
  pen.fillText(fitted(pen, `${lane.reader} ${said[lane.state]}`, right - left), left, y + 10);
  for (const [word, from, to, sure, wrong] of lane.words ?? []) {
    const x1 = toX(take.read[0] + from);
    const x2 = Math.max(x1 + 3, toX(take.read[0] + to));
    const known = sure !== null;
    pen.globalAlpha = (stale ? 0.4 : 1) * (0.08 + 0.5 * (known ? sure : 0));
    pen.fillStyle = colours.blue;
    pen.fillRect(x1, y + 15, x2 - x1 - 1, 24);
    pen.globalAlpha = stale ? 0.4 : 1;
    pen.strokeStyle = known && sure < 0.5 ? colours.red : colours.blue;
    pen.lineWidth = 1;
    pen.setLineDash(known && sure < 0.5 ? [3, 3] : []);
    pen.strokeRect(x1 + 0.5, y + 15.5, x2 - x1 - 2, 23);
    pen.setLineDash([]);
    pen.fillStyle = colours.ink;
    pen.textAlign = "center";
    pen.font = `14px ${font}`;
    if (pen.measureText(word).width > x2 - x1 - 4) pen.font = `11px ${font}`;
    const middle = (x1 + x2) / 2;
    pen.fillText(fitted(pen, word, x2 - x1), middle, y + 32);
    pen.font = `11px ${font}`;
    // What has no room here stands in the text below.
    const number = known ? `${Math.round(100 * sure)} %` : "?";
    const room = x2 - x1 + 4;
    const shown = [`${wrong ? "≠ " : ""}${number}`, wrong ? "≠" : number].find((text) => pen.measureText(text).width <= room);
    if (shown) pen.fillText(shown, middle, y + 51);
  }
  pen.globalAlpha = 1;
}

const percent = (share) => (share === null ? "?" : share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`);
// A reading as text: its words with their confidence, and the other candidates.
function describeReading({ reader, state, text, words, nbest, wrong, of }) {
  const errors = wrong === null || wrong === undefined ? "" : `${wrong} of ${of} word${of === 1 ? "" : "s"} wrong`;
  const head = make("h5", {}, `${reader} `, make("small", {}, errors));
  const box = make("section", { class: "take-reading", "data-reader": reader, "data-state": state }, head);
  if (state === "waiting") box.append(make("p", { class: "take-text" }, "reads …"));
  if (state === "failed") box.append(make("p", { class: "take-text" }, `It gave up. ${text}`));
  if (state !== "done") return box;
  const written = box.appendChild(make("p", { class: "take-text", role: "group", "aria-label": `${reader} reads` }));
  for (const [word, from, to, sure, bad] of words) {
    const note = make("small", {}, `${percent(sure)}${bad ? " ≠" : ""}`);
    const node = make("span", { title: `${from.toFixed(2)} to ${to.toFixed(2)} s`, "data-wrong": Boolean(bad) }, make("b", {}, word), note);
    node.style.setProperty("--sure", sure ?? 0);
    written.append(node, " ");
  }
  if (!words.length) written.append(text || "(nothing)");
  const list = make("ol", { class: "take-best", "aria-label": "Candidates, with their share of the probability" });
  for (const [candidate, share] of nbest) {
    const item = list.appendChild(make("li", {}, make("span", {}, candidate || "(nothing)"), make("span", { class: "course-value" }, percent(share))));
    item.style.setProperty("--share", `${100 * (share ?? 0)}%`);
  }
  if (nbest.length) box.append(list);
  return box;
}
