/** XML by a library: what goes to libvirt is built from nodes and escaped by the serializer; what comes is parsed. */
import { DOMImplementation, DOMParser, XMLSerializer } from '@xmldom/xmldom';
import type { Document, Element } from '@xmldom/xmldom';

/** An attribute or a child that is undefined or false is left out. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly XmlChild[];
}

type XmlChild = XmlNode | string | number | undefined | false;

export const node = (
  name: string,
  attributes: XmlNode['attributes'] = {},
  ...children: readonly XmlChild[]
): XmlNode => ({ name, attributes, children });

/** @throws when a text has a character that XML cannot hold */
export function toXml(root: XmlNode): string {
  const document = new DOMImplementation().createDocument(null, '');
  document.appendChild(elementOf(document, root));
  return new XMLSerializer().serializeToString(document, { requireWellFormed: true });
}

function elementOf(document: Document, { name, attributes, children }: XmlNode): Element {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(attribute, allowed(value));
  }
  for (const child of children) {
    if (child === undefined || child === false) continue;
    const isNode = typeof child === 'object';
    element.appendChild(isNode ? elementOf(document, child) : document.createTextNode(allowed(child)));
  }
  return element;
}

/** What XML 1.0 cannot hold, not even escaped. The serializer looks for it in texts, and not in attributes. */
const NO_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function allowed(value: string | number): string {
  const text = String(value);
  if (NO_XML.test(text)) throw new TypeError('a text has characters that XML cannot hold');
  return text;
}

/** @throws when the text is no well-formed XML */
export function parseXml(text: string): Element {
  const parser = new DOMParser({ onError: (level, message) => refuse(level, message) });
  const { documentElement } = parser.parseFromString(text, 'text/xml');
  if (documentElement === null) throw new Error('the XML has no element');
  return documentElement;
}

function refuse(level: string, message: string): void {
  if (level !== 'warning') throw new Error(`the XML cannot be read: ${message.slice(0, 200)}`);
}
