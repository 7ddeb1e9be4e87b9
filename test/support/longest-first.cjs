/** Jest, without times of earlier runs, begins with the largest files; these take long however small they are. */
const Sequencer = require('@jest/test-sequencer').default;

const LONGEST = [
  'end-to-end/one-host',
  'ui/page',
  'end-to-end/hosts',
  'workers/dev',
  'end-to-end/kill-matrix',
  'bench/run',
  'images/parallel/download',
  'images/decompression/unpacking',
  'end-to-end/secrets',
  'workflows/upkeep',
  // In their full forms.
  'images/inspection/fuzz',
  'images/sources/metalink-fuzz',
  'images/sources/range-fuzz',
  'api/fuzz',
  'api/schemathesis',
  'bench/lists',
].map((name) => `/test/${name}.test.ts`);

function rank({ path }) {
  const at = LONGEST.findIndex((end) => path.endsWith(end));
  return at < 0 ? LONGEST.length : at;
}

class LongestFirst extends Sequencer {
  /** The order among the others stays Jest's own. */
  sort(tests) {
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}

module.exports = LongestFirst;
