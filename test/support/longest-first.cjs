/** Starts the longest test files first. Without times of earlier runs, Jest would start with the largest files. */
const Sequencer = require('@jest/test-sequencer').default;

const LONGEST = [
  'ui/page',
  'end-to-end/one-host',
  'end-to-end/vms',
  'dev/dev',
  'workflows/vms/deploy',
  'workflows/vms/life',
  'end-to-end/hosts',
  'end-to-end/kill-matrix',
  'images/fetch/transfer/download',
  'end-to-end/secrets',
  'hypervisor/life',
  'workflows/deployment',
  'workers/host',
  'api/roles',
  'workers/transfers',
  'faults/faults',
  'end-to-end/spread',
  'hypervisor/troubles',
  'end-to-end/upgrade',
  'images/attempt/peers',
  'workflows/deletion',
  'images/unpack/unpacking',
  'workflows/upkeep',
  'workflows/stopping',
  'workers/certificates',
  'api/session',
  'images/unpack/bombs',
  'bench/run',
  // Long in full runs.
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
