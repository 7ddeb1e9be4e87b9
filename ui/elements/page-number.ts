/** Parses a page number of an address; 1 for anything that is no page number. */
export const parseAsPage = (text: string | null): number =>
  /^[1-9]\d{0,5}$/.test(text ?? '') ? Number(text) : 1;
