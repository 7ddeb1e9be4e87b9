/** The certificates, which several views show. */
import { type ListOptions, useList } from '../api/queries.ts';
import type { Values } from '../api/client.ts';
import type { Certificate } from './shapes.ts';

export const useCertificates = (values: Values = {}, options: ListOptions = {}) =>
  useList<Certificate>(
    'listTemplateDirectDownloadCertificates',
    'directdownloadcertificate',
    values,
    options,
  );
