/** What a setting of the database is, and the kinds that several subjects have. */

export interface Configuration {
  readonly name: string;
  readonly category: string;
  readonly type: 'String' | 'Boolean' | 'CSV' | 'Integer' | 'Float';
  /** `Zone`: a zone may have a value of its own. */
  readonly scope: 'Zone' | 'Global';
  readonly fallback: string;
  readonly description: string;
  /**
   * The value as it is kept.
   * @throws ConfigurationError with a sentence that says what would be right
   */
  readonly read: (value: string) => string;
}

export class ConfigurationError extends Error {}

export type Definition = Omit<Configuration, 'category' | 'scope'>;

export const flag = (
  name: string,
  description: string,
  fallback: 'true' | 'false' = 'false',
): Definition => ({
  name,
  type: 'Boolean',
  fallback,
  description,
  read(value) {
    const word = value.trim().toLowerCase();
    if (word === 'true' || word === 'false') return word;
    throw new ConfigurationError(`'${value}' is neither true nor false`);
  },
});

export const count = (
  name: string,
  description: string,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): Definition => ({
  name,
  type: 'Integer',
  fallback: String(fallback),
  description,
  read(value) {
    const text = value.trim();
    if (/^\d{1,9}$/.test(text) && Number(text) <= most) return String(Number(text));
    throw new ConfigurationError(`'${value}' is not a whole number from 0 to ${most}`);
  },
});

export const MAX_SECONDS = 999_999_999;

/** Values by name, of those that were set. */
export type ConfigurationValues = Readonly<Record<string, string>>;

export const valueOf = (values: ConfigurationValues, { name, fallback }: Definition): string =>
  values[name] ?? fallback;
