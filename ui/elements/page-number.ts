/** A page number from an address, which anybody can write: 1 for whatever is none. */
export const parseAsPage = (text: string | null): number =>
  /^[1-9]\d{0,5}$/.test(text ?? '') ? Number(text) : 1;
