/** The list of certificates, which several views show. */
import { type AskOptions, useList } from '../api/queries.ts';
import type { Values } from '../api/client.ts';
import type { Certificate } from '../../model/api-answers.ts';

export const useCertificates = (values: Values = {}, options: AskOptions = {}) =>
  useList<Certificate>(
    'listTemplateDirectDownloadCertificates',
    'directdownloadcertificate',
    values,
    options,
  );
