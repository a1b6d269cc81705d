CREATE TABLE `dashboard_links` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`scope` text NOT NULL,
	`key_id` text,
	`platform_mark` text,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`key_id`) REFERENCES `api_keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "dashboard_links_maker" CHECK(("dashboard_links"."key_id" is null) <> ("dashboard_links"."platform_mark" is null))
);
--> statement-breakpoint
CREATE INDEX `dashboard_links_organization` ON `dashboard_links` (`organization_id`);--> statement-breakpoint
CREATE TABLE `dashboard_sessions` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`scopes` text NOT NULL,
	`key_id` text,
	`platform_mark` text,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`key_id`) REFERENCES `api_keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "dashboard_sessions_maker" CHECK(("dashboard_sessions"."key_id" is null) <> ("dashboard_sessions"."platform_mark" is null))
);
--> statement-breakpoint
CREATE INDEX `dashboard_sessions_organization` ON `dashboard_sessions` (`organization_id`);