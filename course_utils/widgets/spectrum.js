// What the explorers of recorded sounds share: the sounds, a fast Fourier transform, a player.

// The clips that Python sent: name → { samples, rate, seconds, note }.
function readClips(model) {
  const view = model.get("_samples");
  // A copy, for 16-bit numbers must start at an even address.
  const numbers = new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  let start = 0;
  return new Map(model.get("_clips").map(([name, rate, count, unit, given]) => {
    const samples = Float32Array.from(numbers.subarray(start, start + count), (v) => v * unit);
    start += count;
    const seconds = count / rate;
    const note = given > seconds ? `The first ${seconds.toFixed(1)} of ${given.toFixed(1)} s. ` : "";
    return [name, { samples, rate, seconds, note }];
  }));
}

const powerOfTwoFrom = (n) => 2 ** Math.ceil(Math.log2(n));

// An in-place transform of `size` complex numbers, re + i im; the size is a power of two. The tables
// are made once a size: the arrows of each stage of butterflies (those of the stage that joins two
// halves of length h start at h), and the order in which the samples enter the first one. Two stages
// are done in one pass, which saves half of the way to the memory and back.
const TRANSFORMS = new Map();
function transform(size) {
  if (TRANSFORMS.has(size)) return TRANSFORMS.get(size);
  const [cosine, sine] = [new Float64Array(size), new Float64Array(size)];
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      cosine[half + k] = Math.cos(Math.PI * k / half);
      sine[half + k] = -Math.sin(Math.PI * k / half);
    }
  }
  const order = new Uint32Array(size);
  for (let i = 1; i < size; i += 1) order[i] = (order[i >> 1] >> 1) + (i & 1 ? size / 2 : 0);

  const swap = (part, i, j) => {
    const kept = part[i];
    part[i] = part[j];
    part[j] = kept;
  };
  const add = (part, i, j) => {
    const right = part[j];
    part[j] = part[i] - right;
    part[i] += right;
  };
  const run = (re, im) => {
    for (let i = 0; i < size; i += 1) {
      if (order[i] <= i) continue;
      swap(re, i, order[i]);
      swap(im, i, order[i]);
    }
    let half = 1;
    if (Math.log2(size) % 2) {
      half = 2;
      for (let i = 0; i < size; i += 2) {
        add(re, i, i + 1);
        add(im, i, i + 1);
      }
    }
    for (; half < size; half *= 4) {
      for (let begin = 0; begin < size; begin += 4 * half) {
        for (let k = 0; k < half; k += 1) {
          const a = begin + k;
          const b = a + half;
          const c = b + half;
          const d = c + half;
          const cos1 = cosine[half + k];
          const sin1 = sine[half + k];
          const cos2 = cosine[2 * half + k];
          const sin2 = sine[2 * half + k];
          const bRe = re[b] * cos1 - im[b] * sin1;
          const bIm = re[b] * sin1 + im[b] * cos1;
          const dRe = re[d] * cos1 - im[d] * sin1;
          const dIm = re[d] * sin1 + im[d] * cos1;
          const sumRe = (re[c] + dRe) * cos2 - (im[c] + dIm) * sin2;
          const sumIm = (re[c] + dRe) * sin2 + (im[c] + dIm) * cos2;
          // A quarter of the circle further: the second arrow, times -i.
          const restRe = (re[c] - dRe) * sin2 + (im[c] - dIm) * cos2;
          const restIm = (im[c] - dIm) * sin2 - (re[c] - dRe) * cos2;
          re[c] = re[a] + bRe - sumRe;
          im[c] = im[a] + bIm - sumIm;
          re[d] = re[a] - bRe - restRe;
          im[d] = im[a] - bIm - restIm;
          re[b] = re[a] - bRe + restRe;
          im[b] = im[a] - bIm + restIm;
          re[a] += bRe + sumRe;
          im[a] += bIm + sumIm;
        }
      }
    }
  };
  TRANSFORMS.set(size, run);
  return run;
}

// Lowest and highest sample under each pixel, from `left` to `right`.
function drawWave(pen, samples, left, right, middle, scale) {
  const each = samples.length / (right - left);
  pen.beginPath();
  if (each < 2) samples.forEach((v, n) => pen.lineTo(left + (n + 0.5) / each, middle - scale * v));
  else for (let x = 0; x < right - left; x += 1) {
    let [low, high] = [Infinity, -Infinity];
    for (let n = Math.floor(x * each); n < Math.min(samples.length, (x + 1) * each); n += 1) {
      if (samples[n] < low) low = samples[n];
      if (samples[n] > high) high = samples[n];
    }
    pen.lineTo(left + x, middle - scale * low);
    pen.lineTo(left + x, middle - scale * high);
  }
  pen.stroke();
}

// Plays what `take()` gives, { samples, rate }, once, from a place in it. When `update` finds other
// samples there, they take over at the same place. `ended` is called when the sound is over.
function createPlayer(root, take, ended) {
  const fade_s = 0.01;
  let [clock, began, current] = [null, 0, null];
  const position = () => (sound.isOn() ? Math.max(0, clock.currentTime - began) : 0);
  const sound = createSound(root, (context, output) => {
    clock = context;
    began = context.currentTime - from;
    current = null;
    return () => {
      const { samples, rate } = take();
      if (current?.samples === samples) return;
      const now = context.currentTime;
      current?.gain.gain.setTargetAtTime(0, now, fade_s);
      current?.node.stop(now + 10 * fade_s);
      const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate, numberOfChannels: 1 });
      buffer.copyToChannel(samples, 0);
      const node = new AudioBufferSourceNode(context, { buffer });
      const gain = new GainNode(context, { gain: current ? 0 : 1 });
      gain.gain.setTargetAtTime(1, now, fade_s);
      node.connect(gain).connect(output);
      node.start(now, position());
      const mine = current = { samples, node, gain };
      node.onended = () => {
        if (mine !== current || !sound.isOn()) return;
        sound.stop();
        ended();
      };
    };
  }, () => 1);
  let from = 0;
  const start = (seconds) => {
    from = seconds;
    sound.start();
  };
  return { start, stop: sound.stop, update: sound.update, isOn: sound.isOn, position };
}
