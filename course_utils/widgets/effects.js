// The random numbers of Python's Dice: the i-th of a stream is a hash of seed, stream and i.
function dice(seed, stream) {
  const key = (Math.imul(seed, 0x85EBCA6B) + Math.imul(stream, 0xC2B2AE35)) >>> 0;
  let drawn = 0;
  const uniform = () => {
    let x = (Math.imul(drawn, 0x9E3779B9) + key) >>> 0;
    drawn += 1;
    x = Math.imul(x ^ (x >>> 16), 0x7FEB352D);
    x = Math.imul(x ^ (x >>> 15), 0x846CA68B);
    return (((x ^ (x >>> 16)) >>> 0) + 0.5) / 2 ** 32;
  };
  const normal = () => {
    const [one, two] = [uniform(), uniform()];
    return Math.sqrt(-2 * Math.log(one)) * Math.cos(2 * Math.PI * two);
  };
  const upTo = (high) => Math.floor(uniform() * (high + 1));
  return { normal, upTo };
}

// Windowed sinc, looked up at 512 places between two samples: x at every `factor`-th sample.
const SINC_LOBES = 24;
const SINC = Float64Array.from({ length: SINC_LOBES * 512 + 2 }, (_, i) => {
  const t = i / 512;
  const window = 0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, t / SINC_LOBES));
  return t ? window * Math.sin(Math.PI * t) / (Math.PI * t) : 1;
});
function faster(x, factor) {
  const cutoff = 0.95 * Math.min(1, 1 / factor);
  const reach = SINC_LOBES / cutoff;
  return Float64Array.from({ length: Math.round(x.length / factor) }, (_, m) => {
    const centre = m * factor;
    let sum = 0;
    for (let n = Math.max(0, Math.ceil(centre - reach)); n <= Math.min(x.length - 1, centre + reach); n += 1)
      sum += x[n] * SINC[Math.round(Math.abs(centre - n) * cutoff * 512)];
    return cutoff * sum;
  });
}

const power = (x) => x.reduce((sum, v) => sum + v * v, 0) / x.length;
const loudestOf = (x) => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

// The room's response: 1, then noise that falls by 60 dB in rt60 seconds, of the energy 1.
function roomResponse(rt60, rate, rng) {
  const response = new Float64Array(Math.round(rt60 * rate));
  let energy = 0;
  for (let n = 1; n < response.length; n += 1) {
    response[n] = rng.normal() * 10 ** (-3 * n / (rate * rt60));
    energy += response[n] ** 2;
  }
  for (let n = 1; n < response.length; n += 1) response[n] /= Math.sqrt(energy);
  response[0] = 1;
  return response;
}

// Both at once through one transform, one as its real, one as its imaginary part; the product back.
function inRoom(x, response) {
  const used = Math.min(response.length, x.length);
  const size = powerOfTwoFrom(x.length + used);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  re.set(x);
  im.set(response.subarray(0, used));
  transform(size)(re, im);
  const [outRe, outIm] = [new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k < size; k += 1) {
    const mirror = k && size - k;
    const [aRe, aIm] = [(re[k] + re[mirror]) / 2, (im[k] - im[mirror]) / 2];
    const [bRe, bIm] = [(im[k] + im[mirror]) / 2, (re[mirror] - re[k]) / 2];
    outRe[k] = aRe * bRe - aIm * bIm;
    outIm[k] = -(aRe * bIm + aIm * bRe);
  }
  transform(size)(outRe, outIm);
  const wet = outRe.slice(0, x.length);
  const scale = Math.sqrt(power(x) / Math.max(power(wet), 1e-300));
  return wet.map((v) => v * scale);
}
