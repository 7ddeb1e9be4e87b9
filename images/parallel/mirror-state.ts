/** What an attempt knows of each mirror, and which of them is asked next. */
import type { ImageError } from '../../model/failures.ts';
import type { Mirror } from '../../model/source.ts';
import type { Checkpoint, RecordedMirror } from '../part-file.ts';

/** One that lied this often is not asked any more. */
const MOST_LIES = 2;
/** A file that changes more often than this in the middle of a download is fetched over one connection. */
export const MOST_CHANGES = 2;

export class MirrorState {
  readonly mirror: Mirror;
  /** Scheme, host and port: what the ceiling of connections holds for. */
  readonly origin: string;
  finalUrl = '';
  /** The strong entity tag of the bytes that are here from it. */
  etag: string | undefined;
  /** Whether bytes of it are here. */
  here = false;
  /** Whether it was seen to give parts of the file under its tag. */
  parts = false;
  /** Connections that it may have until then: all at once where it says that it gives parts, else one more. */
  untried = 2;
  /** Whether it refused to: then it has the one connection that brings the whole file, and no other. */
  whole = false;
  /** Connections that are open. */
  connections = 0;
  /** Connections that it takes at once, until `notBefore` on the clock of performance.now(). */
  most = Infinity;
  notBefore = 0;
  /** When its last connection ended, on the same clock. */
  endedAt = -Infinity;
  /** Bytes that came from it in this attempt. */
  gave = 0;
  /** Of those, at its last failure. */
  gaveBefore = 0;
  failedAt = -Infinity;
  /** Why its last connection broke. */
  broke: ImageError | undefined;
  /** Pieces that it sent wrong. */
  lies = 0;
  /** Times that its file changed in the middle of a download. */
  changes = 0;
  /** Why it is not asked any more in this attempt. */
  failure: ImageError | undefined;

  constructor(mirror: Mirror) {
    this.mirror = mirror;
    this.origin = URL.canParse(mirror.url) ? originOf(mirror.url) : mirror.url;
  }

  get url(): string {
    return this.mirror.url;
  }

  get usable(): boolean {
    return this.failure === undefined && this.lies < MOST_LIES;
  }

  /** All bytes were forgotten. */
  forget(): void {
    this.etag = undefined;
    this.here = false;
    this.parts = false;
  }
}

export interface Choice {
  readonly now: number;
  /** Connections to one origin. */
  readonly ceiling: number;
  /** Whether every piece of the file is checked by itself. */
  readonly pieces: boolean;
  /** Only this one. */
  readonly only: MirrorState | undefined;
}

/** Milliseconds in which an origin that counts connections notices that one has ended. */
const NOTICING = 300;

export class Mirrors {
  readonly all: readonly MirrorState[];

  constructor(mirrors: readonly Mirror[], checkpoint: Checkpoint | undefined) {
    this.all = mirrors.map((mirror) => new MirrorState(mirror));
    if (checkpoint !== undefined)
      [checkpoint, ...(checkpoint.others ?? [])].forEach((one) => this.#recall(one));
  }

  #recall({ url, etag }: RecordedMirror): void {
    const state = this.all.find((one) => one.url === url);
    if (state === undefined) return;
    state.here = true;
    state.etag = etag;
  }

  of(mirror: Mirror): MirrorState {
    return this.all.find((state) => state.mirror === mirror) ?? new MirrorState(mirror);
  }

  /** All bytes were forgotten. */
  forget(): void {
    for (const state of this.all) state.forget();
  }

  /** From whom one more connection may be had now, the best first. */
  candidates(choice: Choice): readonly MirrorState[] {
    return this.all
      .filter((state) => this.#mayAsk(state, choice) && !isNoticing(state, choice.now))
      .toSorted((a, b) => a.lies - b.lies || (choice.pieces ? a.connections - b.connections : 0));
  }

  /** Whether there will be more candidates in a moment. */
  awaited(choice: Choice): boolean {
    return this.all.some((state) => this.#mayAsk(state, choice) && isNoticing(state, choice.now));
  }

  #mayAsk(state: MirrorState, { now, ceiling, pieces, only }: Choice): boolean {
    const single = state.etag === undefined || state.changes >= MOST_CHANGES;
    const most = single ? 1 : now < state.notBefore ? state.most : state.parts ? Infinity : state.untried;
    const open = this.all.reduce((sum, one) => sum + (one.origin === state.origin ? one.connections : 0), 0);
    return (
      (only === undefined || only === state) &&
      state.usable &&
      !state.whole &&
      state.connections < most &&
      open < ceiling &&
      mayGivePart(state, pieces)
    );
  }

  /** With what the bytes that are here are recorded. */
  record(
    lead: MirrorState,
  ): RecordedMirror & { readonly finalUrl: string; readonly others?: readonly RecordedMirror[] } {
    const here = this.all.filter((state) => state.here);
    const first = lead.here ? lead : (here[0] ?? lead);
    const others = here.filter((state) => state !== first).map(recorded);
    return { ...recorded(first), finalUrl: first.finalUrl, ...(others.length === 0 ? {} : { others }) };
  }
}

const isNoticing = ({ notBefore, endedAt }: MirrorState, now: number): boolean =>
  now < notBefore && now - endedAt < NOTICING;

const recorded = ({ url, etag }: MirrorState): RecordedMirror => ({
  url,
  ...(etag === undefined ? {} : { etag }),
});

/**
 * Bytes of one origin come over several connections only under one strong tag, unless each piece is checked; from an
 * origin of which nothing is here, a part may come in any case.
 */
export const mayGivePart = ({ etag, here }: MirrorState, pieces: boolean): boolean =>
  pieces || etag !== undefined || !here;

function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
