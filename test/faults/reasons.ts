/** Whether a failure has a true reason: a fault that was there at the time, and can lead to it. */
import type { Happened } from './carrying-out.ts';
import type { FaultKind } from './schedule.ts';

const HOST: readonly FaultKind[] = [
  'host killed',
  'host suspended',
  'host cut off from sources',
  'host cut off from Temporal',
  'host cut off',
];
const AWAY: readonly FaultKind[] = [
  'origin gone',
  'origin slow',
  'host cut off from sources',
  'host cut off',
];

/** By the kind of the failure (model/failures.ts). A kind that is not here has no true reason in a fault run. */
const CAUSES: Readonly<Record<string, readonly FaultKind[]>> = {
  Unreachable: AWAY,
  // A host that was suspended finds its connections cut when it goes on.
  ConnectionLost: [...AWAY, 'origin wrong', 'host suspended'],
  Stalled: [...AWAY, 'host suspended'],
  ServerError: ['origin wrong'],
  // A 503.
  Throttled: ['origin wrong'],
  ProtocolError: ['origin wrong'],
  ChecksumMismatch: ['origin wrong'],
  PeerUnreachable: [...HOST, 'clock shifted', 'disk full', 'origin gone', 'origin slow', 'origin wrong'],
  // What a host passes on before its own checksum told it that it is wrong.
  PeerWrong: ['origin wrong'],
  HostGone: [...HOST, 'Temporal killed', 'control worker killed', 'PostgreSQL killed'],
  NoSpace: ['disk full'],
};

/** Milliseconds for which a fault still shows after its end: until it is noticed, and was answered. */
const AFTER = 75_000;

/** Milliseconds since the epoch. */
export interface Span {
  /** When what failed began. */
  readonly from: number;
  readonly to: number;
}

export const hasTrueReason = (kind: string, { from, to }: Span, faults: readonly Happened[]): boolean =>
  faults.some(
    (fault) => CAUSES[kind]?.includes(fault.kind) === true && fault.from <= to && fault.to + AFTER >= from,
  );

/**
 * A host whose clock was shifted may have read either end by any of its clocks.
 * @param faults of the host
 * @returns the times that it may mean
 */
export function readByClocks({ from, to }: Span, faults: readonly Happened[]): readonly Span[] {
  const shifts = faults.flatMap(({ shift }) => (shift === undefined ? [] : [shift * 1000]));
  const clocks = [0, ...shifts];
  return clocks
    .flatMap((begun) => clocks.map((ended) => ({ from: from - begun, to: to - ended })))
    .filter((span) => span.from <= span.to);
}
