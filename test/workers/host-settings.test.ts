import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublishSettings } from '../../images/publish.ts';
import {
  inspectionLimits,
  parsePools,
  publishSettings,
  readInvite,
  sourceBudgets,
} from '../../workers/host-settings.ts';
import { BUDGETS } from '../../images/sources/budgets.ts';
import { readSettings, SettingError } from '../../workers/settings.ts';

describe('the pools of a host', () => {
  test('are read from one text', () => {
    expect(
      parsePools('fast=Filesystem:HOST:/srv/images/, shared=sharedmountpoint:cluster:/mnt/a:b:create'),
    ).toEqual([
      { name: 'fast', type: 'Filesystem', scope: 'HOST', path: '/srv/images', create: false },
      { name: 'shared', type: 'SharedMountPoint', scope: 'CLUSTER', path: '/mnt/a:b', create: true },
    ]);
  });

  test('may be the root of a file system', () => {
    expect(parsePools('all=NetworkFilesystem:ZONE:/')[0]?.path).toBe('/');
  });

  test.each([
    ['', 'at least one'],
    ['/srv/images', 'not of the form NAME=TYPE:SCOPE:PATH'],
    ['a=Filesystem:HOST', 'not of the form'],
    ['a=LVM:HOST:/a', "'LVM' as the type of pool a; it is one of Filesystem, NetworkFilesystem"],
    ['a=RBD:ZONE:/a', "'RBD' as the type of pool a; it is one of Filesystem, NetworkFilesystem"],
    ['a=Filesystem:HOSTS:/a', "'HOSTS' as the scope of pool a; it is one of HOST, CLUSTER, ZONE"],
    ['a=Filesystem:HOST:srv/a', 'the path must begin with /'],
    ['a=Filesystem:CLUSTER:/a', "a Filesystem pool is one host's own"],
    ['a=NetworkFilesystem:HOST:/a', 'the others are shared'],
    ['a=Filesystem:HOST:/a,a=Filesystem:HOST:/b', 'has the name a twice'],
    ['a=Filesystem:HOST:/a,b=Filesystem:HOST:/x/../a/', 'has the path /a twice'],
  ])("'%s' is refused", (text, sentence) => {
    expect(() => parsePools(text)).toThrow(SettingError);
    expect(() => parsePools(text)).toThrow(sentence);
    expect(() => parsePools(text)).toThrow('--pools (or BYPASS_POOLS)');
  });
});

const read = (fileMode: string, fileOwner: string): PublishSettings =>
  publishSettings(readSettings({ fileMode, fileOwner }, {}));

describe('owner and mode of published files', () => {
  test('are taken as given', () => {
    expect(publishSettings(readSettings({}, {}))).toEqual({ mode: 0o644 });
    expect(read('0640', '107:108')).toEqual({ mode: 0o640, owner: { uid: 107, gid: 108 } });
  });

  test.each([
    ['rw', ''],
    ['0844', ''],
    ['7777', ''],
    ['0644', 'qemu'],
    ['0644', '107'],
  ])("mode '%s' with owner '%s' is refused", (mode, owner) => {
    expect(() => read(mode, owner)).toThrow(SettingError);
  });
});

describe('what an inspection allows', () => {
  test('is 16 TiB and neither snapshots nor bitmaps, unless told otherwise', () => {
    expect(inspectionLimits(readSettings({}, {}))).toEqual({
      maxVirtualSize: 2 ** 44,
      allowSnapshots: false,
      allowBitmaps: false,
    });
    const given = readSettings(
      { maxVirtualSize: '10', allowBitmaps: 'yes' },
      { BYPASS_ALLOW_SNAPSHOTS: 'yes' },
    );
    expect(inspectionLimits(given)).toEqual({
      maxVirtualSize: 10 * 2 ** 30,
      allowSnapshots: true,
      allowBitmaps: true,
    });
  });

  test.each([{ maxVirtualSize: '0' }, { allowSnapshots: 'true' }, { allowBitmaps: '1' }])(
    '%p is refused',
    (given) => {
      expect(() => inspectionLimits(readSettings(given, {}))).toThrow(SettingError);
    },
  );
});

describe('the limits of sources', () => {
  test('are the same by default as without settings', () => {
    expect(sourceBudgets(readSettings({}, {}))).toEqual(BUDGETS);
  });

  test('are given in seconds, each by itself', () => {
    const given = readSettings(
      { dnsTimeout: '1', connectTimeout: '2', tlsTimeout: '3', headersTimeout: '4', idleTimeout: '5' },
      { BYPASS_MINIMUM_RATE: '0', BYPASS_MINIMUM_RATE_TIME: '6', BYPASS_RETRY_AFTER_MOST: '0' },
    );
    expect(sourceBudgets(given)).toEqual({
      dnsMs: 1000,
      connectMs: 2000,
      tlsMs: 3000,
      headersMs: 4000,
      idleMs: 5000,
      minimumRate: 0,
      minimumRateMs: 6000,
      retryAfterMostMs: 0,
    });
  });

  test.each(['dnsTimeout', 'idleTimeout', 'minimumRateTime'] as const)('%s of nothing is refused', (name) => {
    expect(() => sourceBudgets(readSettings({ [name]: '0' }, {}))).toThrow(SettingError);
  });
});

test('an invite is the token itself, or in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-invite-'));
  const path = join(folder, 'token');
  await writeFile(path, 'the token\n');
  expect(await readInvite('')).toBeUndefined();
  expect(await readInvite('the token')).toBe('the token');
  expect(await readInvite(`@${path}`)).toBe('the token');
  await rm(folder, { recursive: true });
  await expect(readInvite(`@${path}`)).rejects.toThrow('ENOENT');
});
