/** Of what a request asks for, `/chat?room=7`, what stands before its query: `/chat`. */
export function urlPath(url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}
