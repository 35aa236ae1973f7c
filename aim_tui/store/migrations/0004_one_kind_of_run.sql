-- A run over edits is a run whose images are the targets of edits: one set of tables for both. Ids stay, and what was
-- asked, so that a run that stopped goes on.

ALTER TABLE runs ADD COLUMN data;                 -- the file that edits come from; NULL where the run is over images
ALTER TABLE run_images ADD COLUMN data_id;        -- what the data file calls the edit; NULL of an image
ALTER TABLE run_images ADD COLUMN source;         -- the image before the edit, of which path is the target
ALTER TABLE run_images ADD COLUMN instruction;
ALTER TABLE run_images ADD COLUMN source_caption;
ALTER TABLE run_images ADD COLUMN target_caption;
ALTER TABLE run_images ADD COLUMN truth TEXT;     -- JSON: what the data file says of the edit besides
ALTER TABLE run_images ADD COLUMN source_facts TEXT;  -- JSON: ImageFacts of the source

-- Families became the metrics that they stand for, and the profile's notice moves from the settings to the profile.
INSERT INTO runs (
    id, state, started, ended, images, asked, command, folder, topic, prompt, reference, reference_sha256,
    profile_name, device, plan, profile, not_asked, settings, fingerprints, versions, host, pid, process, data
)
SELECT
    edit_runs.id, state, started, ended, edits, asked, command,
    CASE typeof(data)
        WHEN 'text' THEN substr(data, 1, max(length(rtrim(data, replace(data, '/', ''))) - 1, 0))
        ELSE ''
    END,
    '', '', '', '', profile_name, '',
    '{"metrics":[' || metrics.listed || '],"weights":{' || rtrim(replace(metrics.listed || ',', ',', ':0.0,'), ',') || '},'
        || '"rules":{"name":"none","source":"","made_for":{},"rules":{}}}',
    json_object(
        'name', profile_name, 'models', json('{}'),
        'rules', json('{"name":"none","source":"","made_for":{},"rules":{}}'), 'weights', json('{}'),
        'description', '', 'notice', coalesce(json_extract(settings, '$.notice'), ''), 'metrics', json('[]')
    ),
    '{}', json_remove(settings, '$.notice'), fingerprints, versions, host, pid, process, data
FROM edit_runs
JOIN (
    SELECT id, replace(replace(replace(replace(replace(trim(families, '[]'),
        '"clip_edit"', '"edit_score","target_text_sim","source_text_sim","source_target_sim"'),
        '"editclip"', '"editclip_score"'),
        '"preservation"', '"preservation_lpips","preservation_clip"'),
        '"directional"', '"directional_similarity"'),
        '"caption_change"', '"caption_change","caption_instruction_sim"') AS listed
    FROM edit_runs
) AS metrics ON metrics.id = edit_runs.id;

INSERT INTO run_models (run, role, info) SELECT run, role, info FROM edit_run_models;

INSERT INTO run_images (
    run, item, path, sha256, facts, error, data_id, source, instruction, source_caption, target_caption, truth,
    source_facts
)
SELECT
    run, item, target, json_extract(target_facts, '$.sha256'), target_facts, error, edit_id, source, instruction,
    source_caption, target_caption, truth, source_facts
FROM edit_rows;

INSERT INTO run_values (run, item, metric, state, value, reason, caption)
SELECT run, item, measure, state, value, reason, caption FROM edit_values;

DROP TABLE edit_values;
DROP TABLE edit_rows;
DROP TABLE edit_run_models;
DROP TABLE edit_runs;
