/** Collects the progress of a download, and reports it. */
import type { Phase, Progress } from '../../model/progress.ts';

/** The rate is an average over this time. */
const WINDOW_MS = 5000;
const SAMPLE_EVERY_MS = 250;
const REPORT_EVERY_MS = 1000;

export class ProgressMeter {
  readonly #report: (progress: Progress) => void;
  readonly #timer: NodeJS.Timeout;
  #samples: { readonly at: number; readonly fetched: number }[] = [];
  #fetched = 0;
  #phase: Phase = 'connecting';
  #bytes = 0;
  #total: number;
  #source: string;

  /** Reports every change, and once a second without one. */
  constructor(
    report: (progress: Progress) => void,
    start: { readonly total: number; readonly source: string },
  ) {
    this.#report = report;
    this.#total = start.total;
    this.#source = start.source;
    this.#timer = setInterval(() => this.#send(), REPORT_EVERY_MS);
    this.#timer.unref();
  }

  /** Bytes that came over the line, from all sources. */
  get fetched(): number {
    return this.#fetched;
  }

  phase(
    phase: Phase,
    change: { readonly source?: string; readonly total?: number; readonly bytes?: number } = {},
  ): void {
    this.#phase = phase;
    this.#source = change.source ?? this.#source;
    this.#total = change.total ?? this.#total;
    this.#bytes = change.bytes ?? this.#bytes;
    this.#send();
  }

  /** Adds bytes that were not fetched: the pool had them already. */
  addReused(count: number): void {
    this.#bytes += count;
    this.#send();
  }

  addFetched(count: number, sent: number): void {
    this.#bytes += count;
    this.#fetched += sent;
    this.#send();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #send(): void {
    this.#report({
      v: 1,
      phase: this.#phase,
      bytes: this.#bytes,
      total: this.#total,
      fetched: this.#fetched,
      rate: this.#rate(performance.now()),
      source: this.#source,
    });
  }

  #rate(now: number): number {
    const last = this.#samples.at(-1);
    if (last === undefined || now - last.at >= SAMPLE_EVERY_MS)
      this.#samples.push({ at: now, fetched: this.#fetched });
    while ((this.#samples[0]?.at ?? now) < now - WINDOW_MS && this.#samples.length > 2) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || now <= first.at) return 0;
    return Math.round(((this.#fetched - first.fetched) * 1000) / (now - first.at));
  }
}
