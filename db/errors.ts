/** What was asked for cannot be done, however often it is tried. The message is a sentence for a person. */
export class NotPossible extends Error {}
