/** Starts the longest test files first. Without times of earlier runs, Jest would start with the largest files. */
const Sequencer = require('@jest/test-sequencer').default;

const LONGEST = [
  'ui/page',
  'end-to-end/vms',
  'end-to-end/one-host',
  'end-to-end/hosts',
  'end-to-end/upgrade',
  'end-to-end/spread',
  'workflows/vms/deploy',
  'end-to-end/kill-matrix',
  'dev/dev',
  'faults/faults',
  'workers/host',
  'workflows/vms/life',
  'workflows/stopping',
  'images/fetch/transfer/download',
  'end-to-end/secrets',
  'workflows/upkeep',
  'workers/transfers',
  'images/attempt/peers',
  'workers/certificates',
  'hypervisor/life',
  'end-to-end/drills',
  'workers/door',
  'workflows/cleanup',
  'workflows/deployment',
  'hypervisor/watch',
  'workflows/continuing',
  'workflows/deletion',
  'workflows/replay',
  'workers/tls-matrix',
  'workers/temporal-tls',
  'workflows/rollouts',
  'dev/postgres',
  'images/unpack/unpacking',
  'workflows/verifications',
  'images/spread/hole-frames',
  'api/empty-parameters',
  'hypervisor/troubles',
  // Long in full runs.
  'api/roles',
  'images/unpack/bombs',
  'bench/run',
  'images/inspect/fuzz',
  'images/fetch/metalink-fuzz',
  'images/fetch/protocols/http/ranges-fuzz',
  'api/fuzz',
  'api/schemathesis',
].map((name) => `/test/${name}.test.ts`);

function rank({ path }) {
  const at = LONGEST.findIndex((end) => path.endsWith(end));
  return at < 0 ? LONGEST.length : at;
}

class LongestFirst extends Sequencer {
  /** The other files keep Jest's order. */
  sort(tests) {
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}

module.exports = LongestFirst;
