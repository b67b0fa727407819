// Sounds from outside, a file or the microphone, as one channel of samples at a wanted rate.

async function decodeFile(file, rate) {
  // Its context resamples what it decodes.
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c += 1) {
    const channel = sound.getChannelData(c);
    for (let n = 0; n < mono.length; n += 1) mono[n] += channel[n] / sound.numberOfChannels;
  }
  return mono;
}

const TAP = `registerProcessor("course-tap", class extends AudioWorkletProcessor {
  process([[channel]]) {
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
});`;

// Why the browser gives no microphone, and what to do about it.
function whyNoMicrophone(error) {
  if (!window.isSecureContext)
    return `This page came by plain http from ${location.host}, and there a browser gives nobody the microphone. ` +
      "Open JupyterLab as http://127.0.0.1 on its own computer, or by https; or open a sound file instead.";
  if (error.name === "NotAllowedError")
    return "The browser does not let this page use the microphone. Allow it at the sign left of the page's address " +
      "(and in the system's settings for privacy), then press Record again; or open a sound file instead.";
  if (error.name === "NotFoundError")
    return "There is no microphone. Plug one in, or switch it on in the system's settings, then press Record again; " +
      "or open a sound file instead.";
  if (error.name === "NotReadableError")
    return "The microphone is there, but does not start. Does another program use it? Close that one, then press Record again.";
  return `No microphone can be used here (${error.name}). Open a sound file instead.`;
}

// Calls `done(samples)` when it is stopped or `longest_s` is reached, `failed(error)` when there is no
// microphone, `changed()` whenever it starts or ends, and `heard(samples)` with each piece that comes in.
function createRecorder({ rate, longest_s, done, failed, changed, heard = () => {} }) {
  let [context, stream, chunks, timer] = [null, null, [], 0];
  const close = () => {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    context?.close();
    [context, stream] = [null, null];
    changed();
  };
  async function start() {
    if (context) return;
    context = new AudioContext({ sampleRate: rate });
    const mine = context;
    chunks = [];
    changed();
    try {
      const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const opened = await navigator.mediaDevices.getUserMedia({ audio });
      if (context !== mine) { // stopped while the browser asked
        opened.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = opened;
      const address = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
      await mine.audioWorklet.addModule(address);
      URL.revokeObjectURL(address);
      if (context !== mine) return;
      const tap = new AudioWorkletNode(mine, "course-tap");
      tap.port.onmessage = ({ data }) => {
        chunks.push(data);
        if (context === mine) heard(data);
      };
      mine.createMediaStreamSource(stream).connect(tap);
      timer = setTimeout(stop, 1000 * longest_s);
    } catch (error) {
      if (context === mine) close();
      failed(error);
    }
  }
  function stop() {
    if (!context) return;
    close();
    const samples = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let start = 0;
    for (const chunk of chunks) {
      samples.set(chunk, start);
      start += chunk.length;
    }
    done(samples);
  }
  return { start, stop, cancel: () => context && close(), isOn: () => context !== null };
}
