/** An event of ordinary size, about 1 kB. */
export function eventText(organizationId: string, index: number): string {
  return JSON.stringify({
    event: 'visitor.identified',
    timestamp: new Date().toISOString(),
    organization_id: organizationId,
    session_id: `ses_bench_${index}`,
    visitor: {
      email: `visitor-${index}@example.com`,
      first_name: 'Ada',
      last_name: 'Lovelace',
      job_title: 'Head of Computing',
      linkedin_url: 'https://www.linkedin.com/in/ada-lovelace-example',
      location: { city: 'London', region: 'England', country: 'GB' },
    },
    company: { name: 'Analytical Engines Ltd', industry: 'Machinery', employee_count: 120, location: 'London', domain: 'engines.example' },
    session: {
      landing_page: 'https://www.example.com/pricing?utm_source=newsletter&utm_medium=email',
      pages_visited: ['/', '/pricing', '/docs', '/docs/webhooks', '/about', '/contact'].map((path) => ({ path, seconds: 17 })),
      utm_source: 'newsletter',
      utm_medium: 'email',
      referrer: 'https://news.example.com/',
      device_type: 'desktop',
    },
  });
}

/** An array of such events; a hundred are about 110 kB. */
export function arrayText(organizationId: string, firstIndex: number, count: number): string {
  return `[${Array.from({ length: count }, (_, at) => eventText(organizationId, firstIndex + at)).join(',')}]`;
}
