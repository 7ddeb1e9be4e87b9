/** One installation with one host; what it is put through stands in the files beside this one. */
import { csClient } from './cs-client.ts';
import { failures } from './failures.ts';
import { interruptions } from './interruptions.ts';
import { openEndToEnd } from './lab.ts';
import type { EndToEnd } from './lab.ts';
import { limits } from './limits.ts';
import { mainJob } from './main-job.ts';
import { metalinks } from './metalink.ts';

let lab: EndToEnd;

beforeAll(async () => {
  lab = await openEndToEnd({ hosts: 1 });
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
csClient(() => lab);
// Last: processes are killed.
describe('interruptions', () => {
  interruptions(() => lab);
});
