import { NEW_HISTORY } from '../../model/decisions.ts';
import { failures, genericKinds, withClass } from '../../model/failures.ts';
import type { FailureClass, FailureKind, FailureRule } from '../../model/failures.ts';
import { newRunParameters, rulesOf } from '../../model/rules/released.ts';

const kinds = Object.keys(failures) as readonly FailureKind[];

type Row = readonly [
  kind: FailureKind,
  failureClass: FailureClass,
  apiCode: number,
  sameMirror: FailureRule['sameMirror'],
  otherMirror: FailureRule['otherMirror'],
  flags: string,
];

const ROWS: readonly Row[] = [
  ['NotFound', 'source', 530, 'drop', 'next', 'keepsBytes'],
  ['Refused', 'source', 530, 'probation', 'next', 'keepsBytes'],
  ['ServerError', 'source', 530, 'probation', 'next', 'passes keepsBytes'],
  ['Unreachable', 'source', 530, 'probation', 'next', 'passes otherHost keepsBytes'],
  ['TlsFailed', 'source', 530, 'probation', 'next', 'keepsBytes'],
  ['ConnectionLost', 'source', 530, 'reconnect', 'next', 'passes keepsBytes'],
  ['Stalled', 'source', 530, 'reconnect', 'next', 'passes keepsBytes'],
  ['ProtocolError', 'source', 530, 'probation', 'next', 'keepsBytes'],
  ['TooManyRedirects', 'source', 530, 'probation', 'next', 'keepsBytes'],
  ['NotAllowed', 'source', 530, 'drop', 'next', 'keepsBytes'],
  ['MetalinkInvalid', 'source', 530, 'probation', 'next', 'keepsBytes otherRegistration'],
  ['SourceChanged', 'source', 530, 'probation', 'next', 'keepsBytes otherRegistration'],
  ['PeerUnreachable', 'source', 530, 'drop', 'next', 'passes keepsBytes'],
  ['PeerWrong', 'source', 530, 'drop', 'next', 'passes'],
  ['ChecksumMismatch', 'content', 530, 'drop', 'once', 'otherRegistration'],
  ['SizeMismatch', 'content', 530, 'drop', 'once', 'otherRegistration'],
  ['ContentRefused', 'content', 530, 'drop', 'once', ''],
  ['FormatMismatch', 'content', 431, 'drop', 'once', 'otherRegistration'],
  ['DamagedArchive', 'content', 530, 'drop', 'once', ''],
  ['HostileArchive', 'content', 431, 'drop', 'once', 'otherRegistration'],
  ['HostileImage', 'content', 431, 'drop', 'once', 'otherRegistration'],
  ['HostGone', 'host', 534, 'drop', 'none', 'passes otherHost keepsBytes'],
  ['PoolNotMounted', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['DiskBroken', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['ProgramMissing', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['HostFault', 'host', 530, 'drop', 'none', 'otherHost keepsBytes'],
  ['NotSigned', 'host', 534, 'drop', 'none', 'passes otherHost keepsBytes'],
  ['SealBroken', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['Throttled', 'time', 533, 'probation', 'next', 'passes keepsBytes'],
  ['NoSpace', 'space', 533, 'drop', 'none', 'passes keepsBytes'],
  ['Unsupported', 'request', 431, 'probation', 'beside', 'keepsBytes otherRegistration'],
  ['HypervisorMissing', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['HypervisorSilent', 'host', 534, 'drop', 'none', 'passes otherHost keepsBytes'],
  ['NetworkMissing', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['FirmwareMissing', 'host', 534, 'drop', 'none', 'otherHost keepsBytes'],
  ['OutOfMemory', 'host', 533, 'drop', 'none', 'passes otherHost keepsBytes'],
  ['DomainFailed', 'host', 530, 'drop', 'none', 'otherHost keepsBytes'],
  ['DomainAbsent', 'host', 534, 'drop', 'none', 'keepsBytes'],
  ['MachineReleased', 'host', 530, 'drop', 'none', 'keepsBytes'],
  ['DiskLocked', 'host', 534, 'drop', 'none', 'passes keepsBytes'],
  ['DiskMissing', 'host', 530, 'drop', 'none', 'keepsBytes'],
  ['CopyMissing', 'host', 534, 'drop', 'none', 'passes keepsBytes'],
  ['MediumLocked', 'host', 530, 'drop', 'none', 'passes keepsBytes'],
];

const FLAGS = ['passes', 'otherHost', 'keepsBytes', 'otherRegistration'] as const;

test.each(ROWS)(
  '%s is of the class %s and has the code %i',
  (kind, failureClass, apiCode, same, other, flags) => {
    const rule = failures[kind];
    expect([rule.class, rule.apiCode, rule.sameMirror, rule.otherMirror]).toEqual([
      failureClass,
      apiCode,
      same,
      other,
    ]);
    expect(FLAGS.filter((flag) => rule[flag]).join(' ')).toBe(flags);
  },
);

test('every kind has a row in this test', () => {
  expect(ROWS.map(([kind]) => kind)).toEqual(kinds);
});

// Downloads cannot fail in the ways of machines: no file of images/ throws one (hypervisor/ does).
const kindsOfDownloads = kinds.filter((kind) => failures[kind].of === 'image');

test.each(kindsOfDownloads)('a deployment that begins now does after %s what the table says', (kind) => {
  const rules = rulesOf(newRunParameters('copy').rules);
  const failed = { failure: withClass({ kind, message: 'm' }), hostId: 'h1', position: 0, size: 10_000 };
  const { decision } = rules.decide(failed, NEW_HISTORY, rules.timing.copy);
  const { passes, otherHost } = failures[kind];
  const goesOn = decision.next === 'again' ? decision.history : undefined;
  expect({
    goesOn: goesOn !== undefined,
    excluded: goesOn?.excluded ?? [],
    avoided: goesOn?.avoided ?? [],
  }).toEqual({
    goesOn: passes || otherHost,
    excluded: otherHost && !passes ? ['h1'] : [],
    avoided: otherHost && passes ? ['h1'] : [],
  });
});

test('the generic kind of each class has that class', () => {
  for (const [failureClass, kind] of Object.entries(genericKinds)) {
    expect(failures[kind].class).toBe(failureClass);
  }
});

test('advice fits into the parentheses behind a sentence', () => {
  for (const kind of kinds) expect(failures[kind].advice).toMatch(/^[a-z][^()]*(?:\([^()]*\)[^()]*)?[^.]$/);
});
