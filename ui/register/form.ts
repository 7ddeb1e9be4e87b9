/** What the form to register holds, and what it sends. */
import type { Values } from '../api/client.ts';
import type { Template } from '../../model/api-answers.ts';
import type { Kind } from '../templates/kind.ts';
import { recogniseChecksum } from './checksum.ts';
import { guessFormat } from './format.ts';
import type { HeaderRow } from './headers-field.tsx';
import { proposedName } from './proposed-name.ts';

export interface RegisterForm {
  /** Undefined: as the URL suggests. */
  readonly name: string | undefined;
  readonly displaytext: string;
  readonly url: string;
  /** Empty: as the URL suggests. */
  readonly format: '' | 'QCOW2' | 'RAW';
  readonly checksum: string;
  readonly hypervisor: string;
  readonly directdownload: boolean;
  /** Empty: all that the caller may use. */
  readonly zones: readonly string[];
  readonly ostypeid: string | null;
  readonly headers: readonly HeaderRow[];
  readonly ispublic: boolean;
  readonly isfeatured: boolean;
  readonly bootable: boolean;
  /** Ids of pools, or ALL_POOLS. */
  readonly pools: readonly string[];
}

export const ALL_POOLS = 'all';
/** Of parameters that name zones: all of them. For administrators. */
export const ALL_ZONES = '-1';

export const BLANK: RegisterForm = {
  name: undefined,
  displaytext: '',
  url: '',
  format: '',
  checksum: '',
  hypervisor: 'KVM',
  directdownload: true,
  zones: [],
  ostypeid: null,
  headers: [],
  ispublic: false,
  isfeatured: false,
  bootable: true,
  pools: [],
};

/** The query of a URL may be a credential; it is sealed, and so shown. */
const HIDDEN_QUERY = /\?…$/;

/** To register it again, with something else. @param rows one a zone that it is registered in */
export function formOf(rows: readonly Template[]): RegisterForm {
  const [template] = rows;
  if (template === undefined) return BLANK;
  const { name, displaytext, url = '', format, checksum = '', ostypeid = null } = template;
  const { ispublic, isfeatured, bootable, crossZones } = template;
  return {
    ...BLANK,
    name,
    displaytext: displaytext === name ? '' : displaytext,
    url: url.replace(HIDDEN_QUERY, ''),
    format: format === 'ISO' ? '' : format,
    checksum,
    ostypeid,
    ispublic,
    isfeatured,
    bootable,
    zones: crossZones ? [] : rows.flatMap(({ zoneid }) => zoneid ?? []),
  };
}

export const nameOf = ({ name, url }: RegisterForm): string => name ?? proposedName(url);

/** What a look at the URL takes. @param everyZone what stands for all zones that the caller may use */
export function sourceOf(kind: Kind, form: RegisterForm, everyZone: readonly string[]): Values {
  const { url, format, checksum, headers, zones } = form;
  const chosen = zones.length === 0 ? everyZone : zones;
  const sent = headers
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, value }, at) => [`details[${at}].HTTP_HEADER:${name.trim()}`, value] as const);
  return {
    url: url.trim(),
    checksum: recogniseChecksum(checksum)?.value ?? checksum.trim(),
    ...Object.fromEntries(sent),
    ...(kind.iso
      ? { format: 'ISO', zoneid: chosen[0] }
      : { format: format === '' ? (guessFormat(url) ?? 'QCOW2') : format, zoneids: chosen.join(',') }),
  };
}

/** @param everyZone as of `sourceOf` */
export function valuesOf(kind: Kind, form: RegisterForm, everyZone: readonly string[]): Values {
  const { displaytext, hypervisor, directdownload, ispublic, isfeatured, bootable, ostypeid } = form;
  const { format, ...source } = sourceOf(kind, form, everyZone);
  return {
    ...source,
    name: nameOf(form),
    displaytext,
    directdownload,
    ispublic,
    isfeatured,
    ostypeid: ostypeid ?? undefined,
    ...(kind.iso ? { bootable } : { hypervisor, format }),
  };
}
