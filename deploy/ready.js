// Exits with 0 when the process at the given health port of this machine answers that it is ready.
const [port] = process.argv.slice(2);
const signal = AbortSignal.timeout(4000);
const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal }).catch(() => undefined);
process.exitCode = answer?.ok === true ? 0 : 1;
