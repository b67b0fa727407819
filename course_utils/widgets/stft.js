// matplotlib's magma, dark to bright, at 17 places; between them it is interpolated.
const MAGMA = ("000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 " +
  "fea772 fec488 fde2a3 fcfdbf").split(" ").map((code) => [0, 2, 4].map((i) => parseInt(code.slice(i, i + 2), 16)));
const COLOURS = Array.from({ length: 256 }, (_, i) => {
  const [place, share] = [Math.min(15, Math.floor(i / 16)), i / 255 * 16 - Math.min(15, Math.floor(i / 16))];
  return MAGMA[place].map((low, c) => clamp(Math.round(low + share * (MAGMA[place + 1][c] - low)), 0, 255));
});
const WINDOWS = { rectangular: [1], hann: [0.5, 0.5], hamming: [0.54, 0.46], blackman: [0.42, 0.5, 0.08] };
const FLOOR = 1e-10;
const RISE = Math.log(6.4) / 27; // Slaney's scale: straight up to 1000 Hz = 15 mel, then logarithmic
const toMel = (hz) => (hz < 1000 ? hz * 3 / 200 : 15 + Math.log(hz / 1000) / RISE);
const fromMel = (mel) => (mel < 15 ? mel * 200 / 3 : 1000 * Math.exp(RISE * (mel - 15)));
const toDecibels = (power) => 10 * Math.log10(Math.max(power, FLOOR));

// The window, centred among zeros in a frame.
function frameWindow(name, length, size) {
  const before = Math.floor((size - length) / 2);
  return Float64Array.from({ length: size }, (_, i) => {
    const theta = 2 * Math.PI * (i - before) / length;
    const inside = i >= before && i < before + length;
    return inside ? WINDOWS[name].reduce((sum, a, j) => sum + (j % 2 ? -a : a) * Math.cos(j * theta), 0) : 0;
  });
}

// Triangles half overlapping in mel, of area 1 Hz: for each band its first bin and the weights from there.
function melBank(rate, size, bands) {
  const edge = (i) => fromMel(i / (bands + 1) * toMel(rate / 2));
  return Array.from({ length: bands }, (_, band) => {
    const [low, centre, high] = [edge(band), edge(band + 1), edge(band + 2)];
    const first = Math.ceil(low * size / rate);
    const weights = [];
    for (let k = first; k <= Math.min(size / 2, high * size / rate); k += 1) {
      const f = k * rate / size;
      weights.push(Math.max(0, Math.min((f - low) / (centre - low), (high - f) / (high - centre))) * 2 / (high - low));
    }
    return { first, weights };
  });
}
