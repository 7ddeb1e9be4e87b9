/** The certificates, which several views show. */
import { useList } from '../api/queries.ts';
import type { Values } from '../api/client.ts';
import type { Certificate } from './shapes.ts';

export const useCertificates = (values: Values = {}, every?: number) =>
  useList<Certificate>(
    'listTemplateDirectDownloadCertificates',
    'directdownloadcertificate',
    values,
    every === undefined ? {} : { every },
  );
