/** The code of a system error, such as ENOENT; undefined for other errors. A `DOMException`, such as that of an abort, has a number. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
