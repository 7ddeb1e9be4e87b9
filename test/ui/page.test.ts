/** The page in a browser, on one installation; what a person does there stands in the files beside this one. */
import { needing } from '../support/programs.ts';
import { certificates, onEveryHost } from './certificates.ts';
import { deploying } from './deploying.ts';
import { fleet } from './fleet.ts';
import { hostsAndPools } from './hosts-and-pools.ts';
import { hostileText } from './hostile-text.ts';
import { openUiLab } from './lab.ts';
import type { UiLab } from './lab.ts';
import { looks } from './looks.ts';
import { lostApi } from './lost-api.ts';
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
  describe('certificates', () => {
    certificates(opened);
  });
  describe('hosts and pools', () => {
    hostsAndPools(opened);
  });
  describe('a fleet', () => {
    fleet(opened);
  });
  host.approved();
  onEveryHost(opened, host.name);
  // It takes half a minute until a host counts as gone, and others go on meanwhile: those that do not ask it anything.
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
  host.told();
  // Last: a process is killed.
  lostApi(opened);
});
