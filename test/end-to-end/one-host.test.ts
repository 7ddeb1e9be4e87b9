/** End-to-end tests of one installation with one host. The tests are in the imported files. */
import { csClient } from './cs-client.ts';
import { failures } from './failures.ts';
import { interruptions } from './interruptions.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { limits } from './limits.ts';
import { mainJob } from './main-job.ts';
import { metalinks } from './metalink.ts';
import { monitoring } from './monitoring.ts';
import { isFullRun } from '../support/programs.ts';

let lab: EndToEnd;

beforeAll(async () => {
  // The full form kills the server of Temporal.
  lab = await openEndToEnd({ hosts: 1, ownServers: isFullRun });
});
afterAll(() => lab.close());

describe('the main job', () => {
  mainJob(() => lab);
});
describe('metalinks', () => {
  metalinks(() => lab);
});
describe('failures', () => {
  failures(() => lab);
});
describe('limits', () => {
  limits(() => lab);
});
describe('monitoring', () => {
  monitoring(() => lab);
});
csClient(() => lab);
// Last, since these tests kill processes.
describe('interruptions', () => {
  interruptions(() => lab);
});
