// Ends with 0 when the process on this machine whose port is given answers that it is ready.
const [port] = process.argv.slice(2);
const signal = AbortSignal.timeout(4000);
const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal }).catch(() => undefined);
process.exitCode = answer?.ok === true ? 0 : 1;
