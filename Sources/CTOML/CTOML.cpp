#include "CTOML.h"

// Some malformed texts run into toml++'s own assertions (3.3: `parse_key`), which would end the
// process, or be assumptions of the optimiser under NDEBUG. Here they are one more exception.
struct assertion_failed {};
#undef NDEBUG
#define TOML_ASSERT(condition) \
    do { \
        if (!(condition)) throw assertion_failed{}; \
    } while (false)
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

#include <cstring>
#include <new>
#include <utility>
#include <vector>

struct ctoml_document {
    toml::table root;
    std::vector<ctoml_node> nodes;
};

namespace {

void fail(ctoml_error *error, uint32_t line, uint32_t column, std::string_view message) {
    error->line = line > 0 ? line : 1;
    error->column = column > 0 ? column : 1;
    const size_t limit = CTOML_MESSAGE_LIMIT - 1;
    const size_t size = message.size() < limit ? message.size() : limit;
    std::memcpy(error->message, message.data(), size);
    error->message[size] = 0;
}

// Every dot of a dotted key is one more table within a table, and tables are freed recursively:
// without this bound one long line could exhaust the stack. A line that starts with `#` holds no
// key, wherever it stands.
bool checkDots(std::string_view text, ctoml_error *error) {
    uint32_t line = 1, dots = 0;
    bool blank = true, comment = false;
    for (char c : text) {
        if (c == '\n') {
            line += 1;
            dots = 0;
            blank = true;
            comment = false;
            continue;
        }
        if (blank && c != ' ' && c != '\t') {
            blank = false;
            comment = c == '#';
        }
        if (c == '.' && !comment && ++dots > CTOML_DOTS_LIMIT) {
            fail(error, line, 1, "too many dots in one line");
            return false;
        }
    }
    return true;
}

bool flatten(const toml::node &node, const toml::key *key, int depth,
             std::vector<ctoml_node> &out, ctoml_error *error) {
    ctoml_node flat = {};
    flat.line = node.source().begin.line;
    flat.column = node.source().begin.column;
    if (key != nullptr) {
        flat.key = key->str().data();
        flat.key_length = key->str().size();
        flat.key_line = key->source().begin.line;
        flat.key_column = key->source().begin.column;
    }
    if (depth > CTOML_DEPTH_LIMIT) {
        fail(error, flat.key_line > 0 ? flat.key_line : flat.line,
             flat.key_line > 0 ? flat.key_column : flat.column, "nested too deep");
        return false;
    }
    if (const toml::table *table = node.as_table()) {
        flat.kind = CTOML_TABLE;
        flat.children = static_cast<uint32_t>(table->size());
        out.push_back(flat);
        for (auto &&[name, child] : *table)
            if (!flatten(child, &name, depth + 1, out, error)) return false;
        return true;
    }
    if (const toml::array *array = node.as_array()) {
        flat.kind = CTOML_ARRAY;
        flat.children = static_cast<uint32_t>(array->size());
        out.push_back(flat);
        for (auto &&child : *array)
            if (!flatten(child, nullptr, depth + 1, out, error)) return false;
        return true;
    }
    if (const auto *string = node.as_string()) {
        flat.kind = CTOML_STRING;
        flat.string = string->get().data();
        flat.string_length = string->get().size();
    } else if (const auto *integer = node.as_integer()) {
        flat.kind = CTOML_INTEGER;
        flat.integer = integer->get();
    } else if (const auto *real = node.as_floating_point()) {
        flat.kind = CTOML_FLOAT;
        flat.real = real->get();
    } else if (const auto *boolean = node.as_boolean()) {
        flat.kind = CTOML_BOOLEAN;
        flat.integer = boolean->get() ? 1 : 0;
    } else {
        flat.kind = CTOML_DATE;
    }
    out.push_back(flat);
    return true;
}

bool asserts(std::string_view text) {
    try {
        static_cast<void>(toml::parse(text));
    } catch (const assertion_failed &) {
        return true;
    } catch (const toml::parse_error &) {
    }
    return false;
}

// The first line whose end in the text makes an assertion fail: the parser goes from front to
// back, so that a prefix fails once it holds what the whole fails at.
uint32_t assertionLine(std::string_view text) {
    std::vector<size_t> ends;
    for (size_t i = 0; i < text.size(); i++)
        if (text[i] == '\n') ends.push_back(i + 1);
    size_t low = 0, high = ends.size(); // as many whole lines do not fail; as many may
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (asserts(text.substr(0, ends[middle]))) high = middle;
        else low = middle + 1;
    }
    return static_cast<uint32_t>(low) + 1;
}

} // namespace

ctoml_document *ctoml_parse(const char *text, size_t length, ctoml_error *error) {
    if (length > CTOML_SIZE_LIMIT) {
        fail(error, 1, 1, "the file is too large");
        return nullptr;
    }
    ctoml_document *document = nullptr;
    std::string_view view = length > 0 ? std::string_view(text, length) : std::string_view();
    try {
        if (!checkDots(view, error)) return nullptr;
        try {
            document = new ctoml_document{toml::parse(view), {}};
        } catch (const toml::parse_error &e) {
            fail(error, e.source().begin.line, e.source().begin.column, e.description());
            return nullptr;
        } catch (const assertion_failed &) {
            fail(error, assertionLine(view), 1, "this line cannot be understood");
            return nullptr;
        }
        if (!flatten(document->root, nullptr, 0, document->nodes, error)) {
            delete document;
            return nullptr;
        }
        return document;
    } catch (...) {
        delete document;
        fail(error, 1, 1, "out of memory while reading");
        return nullptr;
    }
}

size_t ctoml_count(const ctoml_document *document) { return document->nodes.size(); }

ctoml_node ctoml_at(const ctoml_document *document, size_t index) { return document->nodes[index]; }

void ctoml_free(ctoml_document *document) { delete document; }
