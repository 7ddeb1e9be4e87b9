/**
 * What the installation knows of a protocol that files are fetched by. The protocols stand in
 * images/fetch/protocols/registry.ts, and nowhere else: each process is built with that list and hands it to whatever
 * judges, reads or stores URLs. So nothing in model/, db/, api/ or the page names a scheme.
 */
import { enumerated } from './grammar.ts';

export interface ProtocolFacts {
  /** Schemes of its URLs, without a colon, each with the port that is meant where a URL names none. */
  readonly schemes: Readonly<Record<string, number>>;
  /** Ports, as settings write them, that its URLs may name although they are among OTHER_SERVICES. */
  readonly servicePorts: readonly string[];
  /** Whether its sources can give parts of a file. */
  readonly ranges: boolean;
  /** What a template may bring for its sources: request headers; a user name and password within the URL. */
  readonly credentials: readonly ('headers' | 'password')[];
  /** Whether accounts other than administrators may use it, unless a zone's setting says otherwise. */
  readonly openToUsers: boolean;
  /** The system program without which a host cannot fetch by it. */
  readonly program?: ProtocolProgram;
  /**
   * Checks what only URLs of this protocol demand; length, host, port and user name have been checked.
   * @param text as it was given: a parsed URL has lost its `..` and line breaks
   * @throws UrlSyntaxError with a sentence that says what would be right
   */
  parse?(text: string): void;
}

export interface ProtocolProgram {
  readonly name: string;
  readonly purpose: string;
  /** Arguments with which the program prints something and exits. */
  readonly args: readonly string[];
  /** Whether the first printed line is the version. */
  readonly printsVersion: boolean;
}

export type Protocols = readonly ProtocolFacts[];

export const schemeOf = ({ protocol }: URL): string => protocol.slice(0, -1);

export const schemesOf = (protocols: Protocols): readonly string[] =>
  protocols.flatMap(({ schemes }) => Object.keys(schemes));

export const protocolOf = <P extends ProtocolFacts>(protocols: readonly P[], scheme: string): P | undefined =>
  protocols.find(({ schemes }) => Object.hasOwn(schemes, scheme));

/** The port of a URL: its own, else that of its scheme; 0 for a scheme that no protocol has. */
export const portOf = (url: URL, protocols: Protocols): number =>
  url.port === '' ? (protocolOf(protocols, schemeOf(url))?.schemes[schemeOf(url)] ?? 0) : Number(url.port);

/** Schemes of protocols that take request headers, for a sentence: `http and https`. */
export const schemesWithHeaders = (protocols: Protocols): string =>
  enumerated(schemesOf(protocols.filter(({ credentials }) => credentials.includes('headers'))));

/** @returns why a setting must not list this scheme, as a sentence; undefined when a protocol has it */
export const schemeCheck =
  (protocols: Protocols) =>
  (scheme: string): string | undefined =>
    protocolOf(protocols, scheme) === undefined
      ? `'${scheme}' is not one of ${schemesOf(protocols).join(', ')}`
      : undefined;
