/** A request that cannot succeed, however often it is tried. The message is a sentence for people. */
export class NotPossible extends Error {}

/** The message says what exists already. */
export class AlreadyExists extends Error {}
