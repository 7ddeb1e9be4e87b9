/** A file that is no keystore, or none of its password. */
export class KeystoreDamaged extends Error {}
