// Voice messages, where the browser can record: it needs a microphone, and a page from https or from this machine.

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const LONGEST = 120; // seconds: at 40 kbit/s well below the limit of a message

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

/**
 * record starts a recording and calls tick(seconds, level) a few times a second. It returns {stop, cancel}; done(file) is
 * called once, with null when it was cancelled or nothing was heard. It stops by itself after two minutes.
 */
export async function record({ tick, done }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const type = TYPES.find((t) => MediaRecorder.isTypeSupported(t)) ?? "";
  const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 40_000 });
  const level = meter(stream);
  const chunks = [];
  let cancelled = false;
  const began = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    tick(seconds, level.read());
    if (seconds >= LONGEST) stop();
  }, 120);
  const stop = () => recorder.state !== "inactive" && recorder.stop();

  recorder.addEventListener("dataavailable", (event) => event.data.size && chunks.push(event.data));
  recorder.addEventListener("stop", () => {
    clearInterval(timer);
    level.close();
    stream.getTracks().forEach((track) => track.stop());
    if (cancelled || !chunks.length) return done(null);
    const plain = (recorder.mimeType || type || "audio/webm").split(";")[0];
    const extension = { "audio/mp4": "m4a", "audio/ogg": "ogg" }[plain] ?? "webm";
    done(new File(chunks, `voice message.${extension}`, { type: plain }));
  });
  recorder.start();
  return {
    stop,
    cancel() {
      cancelled = true;
      stop();
    },
  };
}

/** meter reads how loud it is, 0 to 1. */
function meter(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    read() {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, v) => sum + v * v, 0) / samples.length;
      return Math.min(1, Math.sqrt(power) * 5);
    },
    close: () => context.close(),
  };
}
