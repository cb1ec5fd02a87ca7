/** How many files this process may open. */

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | string } }
}

/** Node raises the soft limit to the hard one when it starts. */
export function descriptorsMax(): number {
  const { userLimits } = process.report.getReport() as Report
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : 1024
}
