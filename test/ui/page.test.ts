/** The page in a browser, on one installation. The tests are in the imported files. */
import { needing } from '../support/programs.ts';
import { administering } from './administering.ts';
import { certificates, onEveryHost } from './certificates.ts';
import { deploying } from './deploying.ts';
import { fleet } from './fleet.ts';
import { hostsAndPools } from './hosts-and-pools.ts';
import { hostileText } from './hostile-text.ts';
import { openUiLab } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';
import { looks } from './looks.ts';
import { lostApi } from './lost-api.ts';
import { machines } from './machines.ts';
import { moving } from './moving.ts';
import { nothingYet } from './nothing-yet.ts';
import { people } from './people.ts';
import { registering } from './registering.ts';
import { theHostDies } from './the-host-dies.ts';

needing('chromium')('the page', () => {
  let lab: UiLab;
  const opened = (): UiLab => lab;
  beforeAll(async () => {
    lab = await openUiLab({ hosts: 1 });
  }, 240_000);
  afterAll(() => lab.close(), 60_000);

  const host = theHostDies(opened);
  describe('nothing yet', () => {
    nothingYet(opened);
  });
  describe('registering', () => {
    registering(opened);
  });
  describe('deploying', () => {
    deploying(opened);
  });
  describe('machines', () => {
    machines(opened);
  });
  describe('certificates', () => {
    certificates(opened);
  });
  describe('hosts and pools', () => {
    hostsAndPools(opened);
  });
  describe('administering', () => {
    administering(opened);
  });
  describe('a fleet', () => {
    fleet(opened);
  });
  host.approved();
  onEveryHost(opened, host.name);
  // A killed host counts as lost after half a minute; meanwhile those tests run that do not need it.
  host.killed();
  describe('hostile text', () => {
    hostileText(opened);
  });
  describe('people', () => {
    people(opened);
  });
  describe('moving about', () => {
    moving(opened);
  });
  describe('looks', () => {
    looks(opened);
  });
  host.showsWait();
  host.removed();
  // Last, since the test kills a process.
  lostApi(opened);
});
