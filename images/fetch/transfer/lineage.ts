/** The lineage of the bytes in a sink (model/spread.ts). */
import { randomUUID } from 'node:crypto';

export class LineageOfBytes {
  #lineage: string | undefined;
  /** Lineages whose bytes came together, which only a checksum allows. */
  readonly #mixed = new Set<string>();

  /** @param recorded of bytes that an earlier attempt left */
  constructor(recorded: string | undefined) {
    this.#lineage = recorded;
  }

  /**
   * The lineage of the bytes that are there together with bytes that come now. Those of the origin continue a lineage, or
   * begin one; those of another lineage make a new one, which nobody else has.
   * @param passedOn the lineage of bytes that another host gives
   */
  with(passedOn: string | undefined): string {
    this.#lineage ??= passedOn ?? randomUUID();
    if (passedOn === undefined || passedOn === this.#lineage || this.#mixed.has(passedOn))
      return this.#lineage;
    this.#mixed.add(passedOn);
    return (this.#lineage = randomUUID());
  }

  /** The bytes are gone. */
  forget(): void {
    this.#lineage = undefined;
    this.#mixed.clear();
  }
}
